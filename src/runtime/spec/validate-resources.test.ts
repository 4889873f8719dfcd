import { describe, expect, test } from "bun:test";
import { type HostLimits, validateResources } from "./validate-resources.ts";

const all = {
  memory: true,
  swap: true,
  memoryReservation: true,
  memorySwappiness: true,
  oomKillDisable: true,
  pids: true,
  cpuShares: true,
  cpuWeight: false,
  cpuCfs: true,
  cpuRealtime: true,
  cpuset: true,
  blkioWeight: true,
  blkioThrottle: true,
  blkioWeightDevice: true,
  kernelMemoryTcp: true,
};
const host: HostLimits = { cpus: new Set([0, 1]), cpusText: "0-1", memoryNodesText: "0", offered: all };
const MiB = 1024 * 1024;

describe("validateResources()", () => {
  test.each([
    [{ Memory: 5 * MiB }, "Minimum memory limit allowed is 6MB"],
    [{ Memory: 64 * MiB, MemorySwap: 32 * MiB }, "Minimum memoryswap limit should be larger than memory limit"],
    [{ MemorySwap: 32 * MiB }, "You should always set the Memory limit"],
    [{ NanoCpus: 3e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
    [{ NanoCpus: 1e9, CpuPeriod: 1000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set."],
    [{ CpusetCpus: "0-5" }, "Requested CPUs are not available - requested 0-5, available: 0-1"],
    [{ CpuShares: -1 }, "invalid CPU shares (-1): value must be a positive integer"],
    [{ CpuShares: 1 }, "The minimum allowed cpu-shares is 2"],
    [{ CpuShares: 300_000 }, "The maximum allowed cpu-shares is 262144"],
    [{ CpusetCpus: "a" }, "Invalid value a for cpuset cpus"],
    [{ BlkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
    [{ MemorySwappiness: 101 }, "valid memory swappiness range is 0-100"],
    [{ Ulimits: [{ Name: "nofile", Soft: 20, Hard: 10 }] }, "soft limit must be less than or equal to hard limit"],
  ])("refuses %p", (hostConfig, message) => {
    expect(() => validateResources(hostConfig, host)).toThrow(message);
  });

  test("takes unlimited swap and the CLI's zeros", () => {
    const given = { Memory: 64 * MiB, MemorySwap: -1, MemorySwappiness: -1, CpuShares: 0, PidsLimit: 0 };
    expect(validateResources(given, host)).toEqual({ hostConfig: given, warnings: [] });
  });

  test("drops what the kernel lacks and says so", () => {
    const { hostConfig, warnings } = validateResources(
      { Memory: 64 * MiB, MemorySwap: 128 * MiB, PidsLimit: 5 },
      { ...host, offered: { ...all, swap: false, pids: false } },
    );
    expect(hostConfig.PidsLimit).toBeNull();
    expect(hostConfig.MemorySwap).toBe(-1);
    expect(warnings).toHaveLength(2);
  });
});
