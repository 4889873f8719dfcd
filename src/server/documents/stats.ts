import { formatRfc3339Nano, ZERO_TIME } from "#base";
import type { BlkioEntry, CgroupStats, StatsSample } from "#engine";
import type { BlkioEntryDocument, CpuStatsDocument, NetworkStatsDocument, StatsResponse } from "#formats";

const zeroCpu: CpuStatsDocument = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

function blkio(entries: readonly BlkioEntry[]): BlkioEntryDocument[] | null {
  return entries.length === 0 ? null : entries.map(({ major, minor, op, value }) => ({ major, minor, op, value }));
}

function blkioStats(stats: CgroupStats | undefined, v1: boolean): StatsResponse["blkio_stats"] {
  const absent = v1 ? [] : null;
  return {
    io_service_bytes_recursive: (stats === undefined ? null : blkio(stats.blkio.serviceBytes)) ?? absent,
    io_serviced_recursive: (stats === undefined ? null : blkio(stats.blkio.serviced)) ?? absent,
    io_queue_recursive: absent,
    io_service_time_recursive: absent,
    io_wait_time_recursive: absent,
    io_merged_recursive: absent,
    io_time_recursive: absent,
    sectors_recursive: absent,
  };
}

function cpuStats(sample: StatsSample | undefined): CpuStatsDocument {
  const cpu = sample?.cgroup?.cpu;
  if (sample === undefined || cpu === undefined) return zeroCpu;
  return {
    cpu_usage: {
      total_usage: Number(cpu.usage),
      // Only cgroup v1 counts per CPU.
      ...(cpu.perCpu.length === 0 ? {} : { percpu_usage: cpu.perCpu.map(Number) }),
      usage_in_kernelmode: Number(cpu.system),
      usage_in_usermode: Number(cpu.user),
    },
    system_cpu_usage: Number(sample.systemCpuUsage),
    online_cpus: sample.onlineCpus,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: Number(cpu.throttledTime),
    },
  };
}

function memoryStats(stats: CgroupStats | undefined): StatsResponse["memory_stats"] {
  if (stats === undefined) return {};
  const { memory } = stats;
  return {
    usage: memory.usageBytes,
    // Both exist in cgroup v1 alone.
    ...(memory.maxUsageBytes === undefined ? {} : { max_usage: memory.maxUsageBytes }),
    stats: memory.detail,
    ...(memory.failCount === undefined ? {} : { failcnt: memory.failCount }),
    limit: memory.limitBytes,
  };
}

function networks(sample: StatsSample): Record<string, NetworkStatsDocument> {
  const documents: Record<string, NetworkStatsDocument> = {};
  for (const [name, counters] of Object.entries(sample.interfaces)) {
    documents[name] = {
      rx_bytes: counters.rxBytes,
      rx_packets: counters.rxPackets,
      rx_errors: counters.rxErrors,
      rx_dropped: counters.rxDropped,
      tx_bytes: counters.txBytes,
      tx_packets: counters.txPackets,
      tx_errors: counters.txErrors,
      tx_dropped: counters.txDropped,
    };
  }
  return documents;
}

/** One record of `stats`; `before` fills `precpu_stats`. A stopped container has a name and zeros. */
export function statsDocument(sample: StatsSample, before: StatsSample | undefined): StatsResponse {
  const { cgroup } = sample;
  const v1 = cgroup?.memory.maxUsageBytes !== undefined;
  const document: StatsResponse = {
    id: sample.id,
    name: `/${sample.name}`,
    read: cgroup === undefined ? ZERO_TIME : formatRfc3339Nano(sample.read),
    preread: before?.cgroup === undefined ? ZERO_TIME : formatRfc3339Nano(before.read),
    pids_stats:
      cgroup === undefined
        ? {}
        : {
            current: cgroup.pids.current,
            ...(cgroup.pids.limit === undefined ? {} : { limit: cgroup.pids.limit }),
          },
    blkio_stats: blkioStats(cgroup, v1),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(sample),
    precpu_stats: cpuStats(before),
    memory_stats: memoryStats(cgroup),
  };
  if (cgroup !== undefined && Object.keys(sample.interfaces).length > 0) document.networks = networks(sample);
  return document;
}
