/** One line of a blkio table. */
export type BlkioEntryDocument = { major: number; minor: number; op: string; value: number };

/** `ContainerCPUStats`; nanoseconds. */
export type CpuStatsDocument = {
  cpu_usage: {
    total_usage: number;
    /** cgroup v1 only. */
    percpu_usage?: number[];
    usage_in_kernelmode: number;
    usage_in_usermode: number;
  };
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
};

/** Counters of one interface. */
export type NetworkStatsDocument = Record<
  "rx_bytes" | "rx_packets" | "rx_errors" | "rx_dropped" | "tx_bytes" | "tx_packets" | "tx_errors" | "tx_dropped",
  number
>;

/** One record of `GET /containers/{id}/stats`. */
export type StatsResponse = {
  id: string;
  /** With the leading slash. */
  name: string;
  read: string;
  preread: string;
  pids_stats: { current?: number; limit?: number };
  blkio_stats: Record<
    | "io_service_bytes_recursive"
    | "io_serviced_recursive"
    | "io_queue_recursive"
    | "io_service_time_recursive"
    | "io_wait_time_recursive"
    | "io_merged_recursive"
    | "io_time_recursive"
    | "sectors_recursive",
    BlkioEntryDocument[] | null
  >;
  num_procs: number;
  storage_stats: Record<string, never>;
  cpu_stats: CpuStatsDocument;
  precpu_stats: CpuStatsDocument;
  memory_stats: {
    usage?: number;
    max_usage?: number;
    stats?: Record<string, number>;
    failcnt?: number;
    limit?: number;
  };
  networks?: Record<string, NetworkStatsDocument>;
};
