import { type Directory, offers, readText, writeValue } from "../cgroup-file.ts";
import type { BlkioEntry, CgroupStats } from "../contract.ts";
import type { Resources } from "../resources.ts";

/** The weight file: CFQ's until Linux 5.0, bfq's since; none when no scheduler with weights is built in. */
function weightFiles(directory: Directory): { readonly group: string; readonly device: string } | undefined {
  if (offers(directory, "blkio.weight")) return { group: "blkio.weight", device: "blkio.weight_device" };
  if (offers(directory, "blkio.bfq.weight")) return { group: "blkio.bfq.weight", device: "blkio.bfq.weight_device" };
  return undefined;
}

/** Disk weights and throttles (Documentation/admin-guide/cgroup-v1/blkio-controller.rst). */
export function updateBlkio(directory: Directory, resources: Resources): void {
  const weights = weightFiles(directory);
  if (weights !== undefined) {
    if (resources.blkioWeight !== undefined && resources.blkioWeight > 0)
      writeValue(directory, weights.group, resources.blkioWeight);
    for (const { major, minor, weight } of resources.blkioWeightDevice ?? [])
      writeValue(directory, weights.device, `${major}:${minor} ${weight}`);
  }
  const throttles = [
    ["blkio.throttle.read_bps_device", resources.blkioReadBps],
    ["blkio.throttle.write_bps_device", resources.blkioWriteBps],
    ["blkio.throttle.read_iops_device", resources.blkioReadIops],
    ["blkio.throttle.write_iops_device", resources.blkioWriteIops],
  ] as const;
  for (const [file, devices] of throttles) {
    for (const { major, minor, rate } of devices ?? []) writeValue(directory, file, `${major}:${minor} ${rate}`);
  }
}

/** Lines of `major:minor Op value`; the grand total at the end names no device and is left out, as Docker does. */
function readEntries(directory: Directory, file: string): BlkioEntry[] {
  const entries: BlkioEntry[] = [];
  for (const line of (readText(directory, file) ?? "").split("\n")) {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) continue;
    entries.push({ major: Number(match[1]), minor: Number(match[2]), op: match[3] ?? "", value: Number(match[4]) });
  }
  return entries;
}

/** Bytes and operations by device and kind. */
export function readBlkio(directory: Directory): CgroupStats["blkio"] {
  return {
    serviceBytes: readEntries(directory, "blkio.throttle.io_service_bytes_recursive"),
    serviced: readEntries(directory, "blkio.throttle.io_serviced_recursive"),
  };
}
