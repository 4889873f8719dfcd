import { readdirSync, readFileSync } from "node:fs";

/** Whether a process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  const state = statusField(pid, "State");
  return state !== undefined && !state.startsWith("Z") && !state.startsWith("X");
}

/** One field of /proc/PID/status (proc(5)); undefined when the process is gone. */
export function statusField(pid: number | string, field: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(text)?.[1];
  } catch {
    return undefined; // the process has ended
  }
}

export type ProcessEntry = { readonly pid: number; readonly command: string };

/** Processes whose command line names `text` (a directory of one engine), this process left out. */
export function processesNaming(text: string): readonly ProcessEntry[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return command.includes(text) && isAlive(Number(entry)) ? [{ pid: Number(entry), command }] : [];
    } catch {
      return []; // ended while we looked
    }
  });
}

/** Processes with `text` in a cgroup path: those of one container or of one engine. */
export function processesInCgroup(text: string): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return readFileSync(`/proc/${entry}/cgroup`, "utf8").includes(text) ? [Number(entry)] : [];
    } catch {
      return []; // ended while we looked
    }
  });
}

/** Sends a signal to one process by its id; false when it is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // already gone, which is what the caller wants
  }
}
