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

/** Expands the kernel's list form, "0-2,5" → 0, 1, 2, 5 (cpuset(7), "Formats"); undefined when malformed or huge. */
export function parseCpuList(text: string): readonly number[] | undefined {
  const numbers = new Set<number>();
  const trimmed = text.trim();
  if (trimmed === "") return [];
  for (const part of trimmed.split(",")) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    // The kernel's largest NR_CPUS is 8192; Docker refuses more as well.
    if (last < first || last > 8192) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].toSorted((left, right) => left - right);
}

/** The CPUs that are online, in the kernel's list form ("0-1"). */
export function onlineCpuList(): string {
  return readFileSync("/sys/devices/system/cpu/online", "latin1").trim();
}
