import { readFileSync } from "node:fs";

/** Memory of the host in bytes (proc_meminfo(5)). */
export type HostMemory = {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
};

/** Parses /proc/meminfo. */
export function parseHostMemory(text: string): HostMemory {
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return {
    totalBytes: kilobytes("MemTotal") * 1024,
    availableBytes: kilobytes("MemAvailable") * 1024,
    swapTotalBytes: kilobytes("SwapTotal") * 1024,
  };
}

/** The host's memory now. */
export function readHostMemory(): HostMemory {
  return parseHostMemory(readFileSync("/proc/meminfo", "latin1"));
}
