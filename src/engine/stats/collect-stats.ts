import { readFileSync } from "node:fs";
import type { Nanoseconds } from "#base";
import type { Cgroup, CgroupStats } from "#cgroups";
import { errorCode, readHostCpuTime } from "#linux";
import type { Endpoint } from "#network";
import type { StatsSample } from "../contract/index.ts";

type InterfaceFigures = StatsSample["interfaces"][string];

function counter(hostInterface: string, name: string): number {
  return Number(readFileSync(`/sys/class/net/${hostInterface}/statistics/${name}`, "latin1"));
}

/** A container's traffic: the host end of its veth counts the same packets the other way round. */
function interfaceFigures(endpoint: Endpoint, pid: number): InterfaceFigures | undefined {
  const host = endpoint.hostInterface;
  try {
    if (host === "") return figuresInside(pid, endpoint.interfaceName);
    return {
      rxBytes: counter(host, "tx_bytes"),
      rxPackets: counter(host, "tx_packets"),
      rxErrors: counter(host, "tx_errors"),
      rxDropped: counter(host, "tx_dropped"),
      txBytes: counter(host, "rx_bytes"),
      txPackets: counter(host, "rx_packets"),
      txErrors: counter(host, "rx_errors"),
      txDropped: counter(host, "rx_dropped"),
    };
  } catch (error) {
    // The container ended in this moment and took its interface along.
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EINVAL" || errorCode(error) === "ESRCH")
      return undefined;
    throw error;
  }
}

/** Figures of an interface without a side on the host (macvlan, ipvlan), from /proc/<pid>/net/dev (proc(5)). */
function figuresInside(pid: number, name: string): InterfaceFigures | undefined {
  const lines = readFileSync(`/proc/${pid}/net/dev`, "latin1").split("\n");
  const line = lines.find((candidate) => candidate.trim().startsWith(`${name}:`));
  if (line === undefined) return undefined;
  const figures = line
    .slice(line.indexOf(":") + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  const at = (index: number): number => figures[index] ?? 0;
  return {
    rxBytes: at(0),
    rxPackets: at(1),
    rxErrors: at(2),
    rxDropped: at(3),
    txBytes: at(8),
    txPackets: at(9),
    txErrors: at(10),
    txDropped: at(11),
  };
}

function figuresOf(cgroup: Cgroup): CgroupStats | undefined {
  try {
    return cgroup.stats();
  } catch (error) {
    // Ended in this moment: the answer is that of a stopped container.
    if (!cgroup.exists()) return undefined;
    throw error;
  }
}

/** One reading of a container's figures; without `cgroup` (not running) only who and when. */
export function collectStats(parts: {
  readonly id: string;
  readonly name: string;
  readonly read: Nanoseconds;
  readonly cgroup: Cgroup | undefined;
  readonly endpoints: readonly Endpoint[];
  /** Of the container's init. */
  readonly pid: number;
}): StatsSample {
  const host = readHostCpuTime();
  const interfaces: Record<string, InterfaceFigures> = {};
  for (const endpoint of parts.endpoints) {
    const figures = interfaceFigures(endpoint, parts.pid);
    if (figures !== undefined) interfaces[endpoint.interfaceName] = figures;
  }
  return {
    read: parts.read,
    id: parts.id,
    name: parts.name,
    cgroup: parts.cgroup === undefined ? undefined : figuresOf(parts.cgroup),
    systemCpuUsage: host.total,
    onlineCpus: host.onlineCpus,
    interfaces,
  };
}
