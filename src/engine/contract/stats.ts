import type { ContainerId, Nanoseconds } from "#base";
import type { CgroupStats } from "#cgroups";

/** One reading for `stats`. */
export type StatsSample = {
  readonly read: Nanoseconds;
  readonly id: ContainerId;
  readonly name: string;
  /** Undefined when not running. */
  readonly cgroup: CgroupStats | undefined;
  /** Host CPU time in nanoseconds, all CPUs (from /proc/stat), and how many there are. */
  readonly systemCpuUsage: bigint;
  readonly onlineCpus: number;
  readonly interfaces: Readonly<
    Record<
      string,
      Readonly<
        Record<
          "rxBytes" | "rxPackets" | "rxErrors" | "rxDropped" | "txBytes" | "txPackets" | "txErrors" | "txDropped",
          number
        >
      >
    >
  >;
};
