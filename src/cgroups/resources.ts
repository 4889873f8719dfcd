/** Limits in kernel-neutral units; undefined = leave as it is. */
export type Resources = {
  readonly memoryBytes?: number | undefined;
  /** Memory plus swap, as in Docker's MemorySwap; -1 = unlimited swap. */
  readonly memorySwapBytes?: number | undefined;
  readonly memoryReservationBytes?: number | undefined;
  readonly memorySwappiness?: number | undefined;
  readonly oomKillDisable?: boolean | undefined;
  /** 2-262144; 0 = default. */
  readonly cpuShares?: number | undefined;
  /** Microseconds. */
  readonly cpuPeriodUs?: number | undefined;
  /** Microseconds per period; -1 = none. */
  readonly cpuQuotaUs?: number | undefined;
  readonly cpuRealtimePeriodUs?: number | undefined;
  readonly cpuRealtimeRuntimeUs?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  /** -1 or 0 = unlimited. */
  readonly pidsLimit?: number | undefined;
  /** 10-1000. */
  readonly blkioWeight?: number | undefined;
  readonly blkioWeightDevice?: readonly DeviceNumber<"weight">[] | undefined;
  readonly blkioReadBps?: readonly DeviceNumber<"rate">[] | undefined;
  readonly blkioWriteBps?: readonly DeviceNumber<"rate">[] | undefined;
  readonly blkioReadIops?: readonly DeviceNumber<"rate">[] | undefined;
  readonly blkioWriteIops?: readonly DeviceNumber<"rate">[] | undefined;
};

type DeviceNumber<Key extends string> = { readonly major: number; readonly minor: number } & {
  readonly [K in Key]: number;
};
