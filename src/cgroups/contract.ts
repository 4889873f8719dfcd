import type { Resources } from "./resources.ts";

/** How the host lays out its control groups; hybrid is v1 with a v2 tree that holds processes only. */
export type CgroupVersion = "v1" | "v2" | "hybrid";

/** How this host arranges control groups; found once at daemon start. */
export type CgroupLayout = {
  readonly version: CgroupVersion;
  /** Where each usable controller is mounted; on v2 every controller maps to the unified mount. */
  readonly mounts: ReadonlyMap<string, string>;
  readonly controllers: readonly string[];
};

/** Figures as the kernel has them; the names are the kernel's. Absent controller = absent figure. */
export type CgroupStats = {
  readonly cpu: {
    /** Nanoseconds. */
    readonly usage: bigint;
    readonly user: bigint;
    readonly system: bigint;
    readonly perCpu: readonly bigint[];
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledTime: bigint;
  };
  readonly memory: {
    readonly usageBytes: number;
    /** v1 only. */
    readonly maxUsageBytes?: number | undefined;
    readonly failCount?: number | undefined;
    /** Effective limit, clamped to the host's memory as Docker shows it. */
    readonly limitBytes: number;
    /** memory.stat, all its lines. */
    readonly detail: Readonly<Record<string, number>>;
  };
  readonly pids: { readonly current: number; readonly limit: number | undefined };
  readonly blkio: {
    readonly serviceBytes: readonly BlkioEntry[];
    readonly serviced: readonly BlkioEntry[];
  };
};

/** One counter of one block device. */
export type BlkioEntry = {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
};

/** One container's control group, whatever the version of the host. All calls are synchronous file reads and writes. */
export type Cgroup = {
  /** As given to the runtime in `cgroupsPath`. */
  readonly path: string;
  exists(): boolean;
  /** Makes it, ready to hold other groups under its limits. Runtimes make the groups of containers themselves. */
  create(): void;
  /** Changes limits of a live group; only fields that are set; throws with the file and errno on failure. */
  update(resources: Resources): void;
  stats(): CgroupStats;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** All processes in it, nested groups included. */
  pids(): readonly number[];
  /** How often the kernel killed something here for want of memory. */
  oomKills(): number;
  /** Kills what is left (cgroup.kill or SIGKILL) and removes the directories. Idempotent. */
  remove(): Promise<void>;
};
