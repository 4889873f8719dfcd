import { describe, expect, test } from "bun:test";
import {
  mountOf,
  parseHostCpuTime,
  parseHostMemory,
  parseKernelVersion,
  parseMountInfo,
  parseOsRelease,
  readProcessStatus,
  readResourceLimits,
} from "./index.ts";

describe("parseMountInfo", () => {
  const text = [
    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    "31 22 0:28 / /sys/fs/cgroup rw,relatime shared:9 - tmpfs tmpfs rw,mode=755",
    String.raw`35 31 0:32 / /mnt/a\040b\134c rw shared:1 master:2 - cgroup cgroup rw,memory`,
    "broken line",
  ].join("\n");

  test("reads every field, any number of optional fields and octal escapes", () => {
    const mounts = parseMountInfo(text);
    expect(mounts).toHaveLength(3);
    expect(mounts[2]).toMatchObject({
      mountPoint: String.raw`/mnt/a b\c`,
      optionalFields: ["shared:1", "master:2"],
      type: "cgroup",
      superOptions: ["rw", "memory"],
    });
  });

  test("mountOf finds the longest mount point", () => {
    const mounts = parseMountInfo(text);
    expect(mountOf("/sys/fs/cgroup/x", mounts)?.id).toBe(31);
    expect(mountOf("/sys/fs/cgroups", mounts)?.id).toBe(22);
  });
});

test("parseHostCpuTime adds eight figures of the first line and counts CPUs", () => {
  expect(parseHostCpuTime("cpu  1 2 3 4 5 6 7 8 900 900\ncpu0 1\ncpu1 1\nintr 1")).toEqual({
    total: 360_000_000n,
    onlineCpus: 2,
  });
});

test("parseHostMemory gives bytes", () => {
  expect(parseHostMemory("MemTotal:  10 kB\nMemAvailable: 5 kB\nSwapTotal: 0 kB\n")).toEqual({
    totalBytes: 10_240,
    availableBytes: 5120,
    swapTotalBytes: 0,
  });
});

test("parseKernelVersion keeps major and minor", () => {
  expect(parseKernelVersion("6.18.44-fc")).toEqual({ major: 6, minor: 18, text: "6.18.44-fc" });
});

test("parseOsRelease strips quotes", () => {
  expect(parseOsRelease('ID=debian\nPRETTY_NAME="Debian \\"12\\""\nVERSION_ID=\'12\'\n')).toEqual({
    id: "debian",
    prettyName: 'Debian "12"',
    version: "12",
  });
});

test("readProcessStatus and readResourceLimits agree with /proc/self", async () => {
  const status = await Bun.file("/proc/self/status").text();
  expect(status).toContain(`CapBnd:\t${readProcessStatus().capabilities.bounding.toString(16).padStart(16, "0")}`);
  const hard = /Max open files\s+\d+\s+(\d+)/.exec(await Bun.file("/proc/self/limits").text())?.[1];
  expect(readResourceLimits().nofile.hard).toBe(Number(hard));
});
