import type { HostConfig } from "#formats";
import type { ContainerFlagValues } from "./request.ts";

/** The flags of limits that `update` can change later. */
export type LimitFlagValues = Pick<
  ContainerFlagValues,
  | "blkio-weight"
  | "cpu-period"
  | "cpu-quota"
  | "cpu-rt-period"
  | "cpu-rt-runtime"
  | "cpu-shares"
  | "cpus"
  | "cpuset-cpus"
  | "cpuset-mems"
  | "memory"
  | "memory-reservation"
  | "memory-swap"
>;

/** Their entries of HostConfig; zero and "" are unlimited at create and "as it is" at update. */
export function limitsOf(flags: LimitFlagValues): HostConfig {
  return {
    BlkioWeight: flags["blkio-weight"] ?? 0,
    CpuPeriod: flags["cpu-period"] ?? 0,
    CpuQuota: flags["cpu-quota"] ?? 0,
    CpuRealtimePeriod: flags["cpu-rt-period"] ?? 0,
    CpuRealtimeRuntime: flags["cpu-rt-runtime"] ?? 0,
    CpuShares: flags["cpu-shares"] ?? 0,
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    Memory: flags.memory ?? 0,
    MemoryReservation: flags["memory-reservation"] ?? 0,
    MemorySwap: flags["memory-swap"] ?? 0,
    NanoCpus: flags.cpus ?? 0,
  };
}
