import { readFileSync } from "node:fs";

/** What `/proc/<pid>/stat` says of a process; see proc_pid_stat(5). */
export type ProcessStat = {
  /** One letter: R, S, D, Z (zombie), X (dead), … */
  readonly state: string;
  readonly parentPid: number;
  /** Clock ticks after boot; with the pid it names a process for the life of the machine. */
  readonly startTime: string;
  /** The wait status, right for a zombie only. */
  readonly waitStatus: number;
};

/** Reads `/proc/<pid>/stat`; undefined when no such process exists. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    // ENOENT or ESRCH: gone. Absence is the answer.
    return undefined;
  }
  // The command name may hold anything, brackets and spaces included: fields count from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, parent] = fields;
  const startTime = fields[19];
  if (state === undefined || parent === undefined || startTime === undefined) return undefined;
  return { state, parentPid: Number(parent), startTime, waitStatus: Number(fields[49] ?? 0) };
}
