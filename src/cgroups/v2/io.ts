import { type Directory, offers, readText, writeValue } from "../cgroup-file.ts";
import type { BlkioEntry, CgroupStats } from "../contract.ts";
import type { Resources } from "../resources.ts";

/** Docker's weight (10-1000) on the scale of io.weight (1-10000), as runc converts it. */
export function ioWeightOfBlkioWeight(weight: number): number {
  return 1 + Math.trunc(((weight - 10) * 9999) / 990);
}

function setWeight(directory: Directory, weight: number, device?: string): void {
  const prefix = device === undefined ? "" : `${device} `;
  // bfq takes Docker's own scale, and is the one that has an effect when both exist.
  if (offers(directory, "io.bfq.weight")) writeValue(directory, "io.bfq.weight", `${prefix}${weight}`);
  else if (offers(directory, "io.weight"))
    writeValue(directory, "io.weight", `${prefix}${ioWeightOfBlkioWeight(weight)}`);
}

/** Disk weights and throttles (Documentation/admin-guide/cgroup-v2.rst, "IO"). Rate 0 lifts a throttle. */
export function updateIo(directory: Directory, resources: Resources): void {
  if (resources.blkioWeight !== undefined && resources.blkioWeight > 0) setWeight(directory, resources.blkioWeight);
  for (const { major, minor, weight } of resources.blkioWeightDevice ?? [])
    setWeight(directory, weight, `${major}:${minor}`);
  const throttles = [
    ["rbps", resources.blkioReadBps],
    ["wbps", resources.blkioWriteBps],
    ["riops", resources.blkioReadIops],
    ["wiops", resources.blkioWriteIops],
  ] as const;
  for (const [key, devices] of throttles) {
    for (const { major, minor, rate } of devices ?? [])
      writeValue(directory, "io.max", `${major}:${minor} ${key}=${rate === 0 ? "max" : rate}`);
  }
}

/** io.stat by device: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. */
export function readIo(directory: Directory): CgroupStats["blkio"] {
  const serviceBytes: BlkioEntry[] = [];
  const serviced: BlkioEntry[] = [];
  for (const line of (readText(directory, "io.stat") ?? "").split("\n")) {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const device = { major: Number(match[1]), minor: Number(match[2]) };
    const figures = new Map((match[3] ?? "").split(" ").map((pair) => pair.split("=", 2) as [string, string]));
    const figure = (key: string): number => Number(figures.get(key) ?? 0);
    serviceBytes.push({ ...device, op: "read", value: figure("rbytes") });
    serviceBytes.push({ ...device, op: "write", value: figure("wbytes") });
    serviced.push({ ...device, op: "read", value: figure("rios") });
    serviced.push({ ...device, op: "write", value: figure("wios") });
  }
  return { serviceBytes, serviced };
}
