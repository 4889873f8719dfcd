import { humanBinarySize, humanSize, shortId } from "#base";
import type { StatsResponse } from "#formats";
import type { Row } from "../output/list.ts";

export const statsHeaders = {
  Container: "CONTAINER",
  ID: "CONTAINER ID",
  Name: "NAME",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
};

function cpuPercent(stats: StatsResponse): number {
  const { cpu_stats: now, precpu_stats: before } = stats;
  const used = now.cpu_usage.total_usage - (before?.cpu_usage?.total_usage ?? 0);
  const system = (now.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const cpus = now.online_cpus ?? now.cpu_usage.percpu_usage?.length ?? 0;
  return system > 0 && used > 0 ? (used / system) * cpus * 100 : 0;
}

/** What a container needs: the page cache the kernel can drop at once is not counted. */
function usedMemory(memory: StatsResponse["memory_stats"]): number {
  const usage = memory.usage ?? 0;
  const inactive = memory.stats?.["total_inactive_file"] ?? memory.stats?.["inactive_file"] ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

/** The sample of a container as a line of `stats`; "--" for one that gives none. */
export function statsRow(container: string, stats: StatsResponse | undefined, truncate: boolean): Row {
  const id = stats?.id ?? "";
  if (stats === undefined || id === "") {
    return {
      BlockIO: "-- / --",
      CPUPerc: "--",
      Container: container,
      ID: truncate ? shortId(container) : container,
      MemPerc: "--",
      MemUsage: "-- / --",
      Name: "--",
      NetIO: "-- / --",
      PIDs: "--",
    };
  }
  const memory = usedMemory(stats.memory_stats);
  const limit = stats.memory_stats.limit ?? 0;
  let received = 0;
  let sent = 0;
  for (const network of Object.values(stats.networks ?? {})) {
    received += network.rx_bytes;
    sent += network.tx_bytes;
  }
  let read = 0;
  let written = 0;
  for (const { op, value } of stats.blkio_stats?.io_service_bytes_recursive ?? []) {
    if (/^r/i.test(op)) read += value;
    else if (/^w/i.test(op)) written += value;
  }
  return {
    BlockIO: `${humanSize(read)} / ${humanSize(written)}`,
    CPUPerc: `${cpuPercent(stats).toFixed(2)}%`,
    Container: container,
    ID: truncate ? shortId(id) : id,
    MemPerc: `${(limit > 0 ? (memory / limit) * 100 : 0).toFixed(2)}%`,
    MemUsage: `${humanBinarySize(memory)} / ${humanBinarySize(limit)}`,
    Name: (stats.name ?? "").replace(/^\//, ""),
    NetIO: `${humanSize(received)} / ${humanSize(sent)}`,
    PIDs: String(stats.pids_stats?.current ?? 0),
  };
}
