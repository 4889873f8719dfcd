import { type Directory, readTable, readText, writeValue } from "../cgroup-file.ts";
import type { CgroupStats } from "../contract.ts";
import type { Resources } from "../resources.ts";

/**
 * v1 shares (2-262144, default 1024) as a v2 weight (1-10000, default 100): the curve of runc ≥ 1.4 and crun ≥ 1.23
 * through minimum, default and maximum. 0 = not set = the default.
 */
export function cpuWeightOfShares(shares: number): number {
  if (shares === 0) return 100;
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** CPU weight and quota (Documentation/admin-guide/cgroup-v2.rst, "CPU"). */
export function updateCpu(directory: Directory, resources: Resources): void {
  if (resources.cpuShares !== undefined) writeValue(directory, "cpu.weight", cpuWeightOfShares(resources.cpuShares));
  if (resources.cpuQuotaUs === undefined && resources.cpuPeriodUs === undefined) return;
  const [oldQuota = "max", oldPeriod = "100000"] = (readText(directory, "cpu.max") ?? "").trim().split(" ");
  const { cpuQuotaUs, cpuPeriodUs } = resources;
  const quota = cpuQuotaUs === undefined ? oldQuota || "max" : cpuQuotaUs <= 0 ? "max" : String(cpuQuotaUs);
  const period = cpuPeriodUs === undefined ? oldPeriod : String(cpuPeriodUs || 100_000);
  writeValue(directory, "cpu.max", `${quota} ${period}`);
}

function nanoseconds(microseconds: number | undefined): bigint {
  return BigInt(microseconds ?? 0) * 1000n;
}

/** CPU time and throttling; v2 keeps no figures per CPU. */
export function readCpu(directory: Directory): CgroupStats["cpu"] {
  const table = readTable(directory, "cpu.stat");
  return {
    usage: nanoseconds(table["usage_usec"]),
    user: nanoseconds(table["user_usec"]),
    system: nanoseconds(table["system_usec"]),
    perCpu: [],
    periods: table["nr_periods"] ?? 0,
    throttledPeriods: table["nr_throttled"] ?? 0,
    throttledTime: nanoseconds(table["throttled_usec"]),
  };
}
