import { type Directory, readTable, readText, tryWriteValue, writeValue } from "../cgroup-file.ts";
import type { CgroupStats } from "../contract.ts";
import type { Resources } from "../resources.ts";

/** CPU shares, quota and real-time budget (Documentation/scheduler/sched-bwc.rst, sched-rt-group.rst). */
export function updateCpu(directory: Directory, resources: Resources): void {
  if (resources.cpuShares !== undefined) writeValue(directory, "cpu.shares", resources.cpuShares || 1024);
  const { cpuPeriodUs: period, cpuQuotaUs: quota } = resources;
  // A shorter period under the old quota may exceed the parent's share; then the quota must go first.
  const periodLater =
    period !== undefined &&
    quota !== undefined &&
    tryWriteValue(directory, "cpu.cfs_period_us", period || 100_000) !== undefined;
  if (period !== undefined && quota === undefined) writeValue(directory, "cpu.cfs_period_us", period || 100_000);
  if (quota !== undefined) writeValue(directory, "cpu.cfs_quota_us", quota <= 0 ? -1 : quota);
  if (periodLater) writeValue(directory, "cpu.cfs_period_us", period || 100_000);
  if (resources.cpuRealtimePeriodUs !== undefined)
    writeValue(directory, "cpu.rt_period_us", resources.cpuRealtimePeriodUs);
  if (resources.cpuRealtimeRuntimeUs !== undefined)
    writeValue(directory, "cpu.rt_runtime_us", resources.cpuRealtimeRuntimeUs);
}

/** cpuacct.stat counts in USER_HZ, 100 on every architecture. */
const nanosecondsPerTick = 10_000_000n;

/**
 * CPU time from cpuacct and throttling from cpu; either may be missing. The total is the sum over the processors, which
 * is how the kernel makes `cpuacct.usage`: read by itself, a moment later, it would not fit the parts.
 */
export function readCpu(account: Directory | undefined, directory: Directory | undefined): CgroupStats["cpu"] {
  const ticks = account === undefined ? {} : readTable(account, "cpuacct.stat");
  const perCpu = (account === undefined ? "" : (readText(account, "cpuacct.usage_percpu") ?? ""))
    .trim()
    .split(/\s+/)
    .filter((figure) => figure !== "")
    .map(BigInt);
  const throttling = directory === undefined ? {} : readTable(directory, "cpu.stat");
  return {
    usage: perCpu.reduce((sum, each) => sum + each, 0n),
    user: BigInt(ticks["user"] ?? 0) * nanosecondsPerTick,
    system: BigInt(ticks["system"] ?? 0) * nanosecondsPerTick,
    perCpu,
    periods: throttling["nr_periods"] ?? 0,
    throttledPeriods: throttling["nr_throttled"] ?? 0,
    throttledTime: BigInt(throttling["throttled_time"] ?? 0),
  };
}
