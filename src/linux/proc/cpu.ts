import { readFileSync } from "node:fs";

/** CPU time of the whole host since boot. */
export type HostCpuTime = {
  /** Nanoseconds, all CPUs, all states that Docker counts (user … softirq and steal, without guest). */
  readonly total: bigint;
  readonly onlineCpus: number;
};

/** USER_HZ is 100 on every architecture Linux offers to programs (include/uapi/asm-generic/param.h). */
const nanosecondsPerTick = 10_000_000n;

/** Parses /proc/stat as `docker stats` counts: the first eight figures of the "cpu" line (proc_stat(5)). */
export function parseHostCpuTime(text: string): HostCpuTime {
  let ticks = 0n;
  let onlineCpus = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith("cpu")) break;
    if (line.startsWith("cpu ")) {
      for (const figure of line.slice(4).trim().split(/\s+/).slice(0, 8)) ticks += BigInt(figure);
    } else onlineCpus++;
  }
  return { total: ticks * nanosecondsPerTick, onlineCpus };
}

/** The host's CPU time now. */
export function readHostCpuTime(): HostCpuTime {
  return parseHostCpuTime(readFileSync("/proc/stat", "latin1"));
}

/** The CPUs that are online, in the kernel's list form ("0-1"), which `parseNumberList` reads. */
export function onlineCpuList(): string {
  return readFileSync("/sys/devices/system/cpu/online", "latin1").trim();
}
