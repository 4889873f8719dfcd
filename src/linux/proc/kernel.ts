import { readFileSync } from "node:fs";
import { release } from "node:os";

/** The running kernel's version. */
export type KernelVersion = { readonly major: number; readonly minor: number; readonly text: string };

/** Parses `uname -r`: only major and minor count, as in Docker's comparisons. */
export function parseKernelVersion(text: string): KernelVersion {
  const match = /^(\d+)\.(\d+)/.exec(text);
  return { major: Number(match?.[1] ?? 0), minor: Number(match?.[2] ?? 0), text };
}

let running: KernelVersion | undefined;

/** The running kernel. */
export function kernelVersion(): KernelVersion {
  running ??= parseKernelVersion(release());
  return running;
}

/** The number of the highest capability this kernel knows (/proc/sys/kernel/cap_last_cap). */
export function lastCapability(): number {
  return Number(readFileSync("/proc/sys/kernel/cap_last_cap", "latin1"));
}

/** A kernel setting under /proc/sys by its dotted name, trimmed; undefined when this kernel has none. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "latin1").trim();
  } catch {
    // Absent, or not readable in this namespace: both mean that the answer is unknown.
    return undefined;
  }
}
