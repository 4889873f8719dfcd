import { readFileSync } from "node:fs";
import type { Nanoseconds } from "#base";
import type { Cgroup, CgroupStats } from "#cgroups";
import { errorCode, readHostCpuTime } from "#linux";
import type { Endpoint } from "#network";
import type { StatsSample } from "../contract.ts";

type InterfaceFigures = StatsSample["interfaces"][string];

function counter(hostInterface: string, name: string): number {
  return Number(readFileSync(`/sys/class/net/${hostInterface}/statistics/${name}`, "latin1"));
}

/** A container's traffic: the host end of its veth counts the same packets the other way round. */
function interfaceFigures(endpoint: Endpoint): InterfaceFigures | undefined {
  const host = endpoint.hostInterface;
  try {
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
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EINVAL") return undefined;
    throw error;
  }
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
}): StatsSample {
  const host = readHostCpuTime();
  const interfaces: Record<string, InterfaceFigures> = {};
  for (const endpoint of parts.endpoints) {
    const figures = interfaceFigures(endpoint);
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
