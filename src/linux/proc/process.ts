import { readFileSync } from "node:fs";
import { errorCode } from "../ffi/index.ts";

/** What /proc/pid/stat says of a process (proc_pid_stat(5)). */
export type ProcessStat = {
  readonly pid: number;
  /** "R", "S", "D", "Z" (zombie), "T", … */
  readonly state: string;
  readonly parentPid: number;
  /** Clock ticks after boot; with the pid it names one process for ever. */
  readonly startTime: bigint;
};

/** Reads /proc/pid/stat; undefined when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ESRCH") return undefined;
    throw error;
  }
  // The command (field 2) is in parentheses and may hold any byte, parentheses and spaces too.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "",
    parentPid: Number(fields[1] ?? 0),
    startTime: BigInt(fields[19] ?? 0),
  };
}

/** The start time of a live process in clock ticks after boot; undefined when it is gone or a zombie. */
export function processStartTime(pid: number): bigint | undefined {
  const stat = readProcessStat(pid);
  return stat === undefined || stat.state === "Z" || stat.state === "X" ? undefined : stat.startTime;
}

/** The security fields of /proc/pid/status (proc_pid_status(5)). */
export type ProcessStatus = {
  /** Bit sets of capabilities (capabilities(7)). */
  readonly capabilities: Readonly<Record<"inheritable" | "permitted" | "effective" | "bounding" | "ambient", bigint>>;
  /** 0 off, 1 strict, 2 filter. */
  readonly seccomp: number;
};

/** Reads them; this process by default. */
export function readProcessStatus(pid: number | "self" = "self"): ProcessStatus {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(text)?.[1] ?? "0";
  const set = (name: string): bigint => BigInt(`0x${field(name)}`);
  return {
    capabilities: {
      inheritable: set("CapInh"),
      permitted: set("CapPrm"),
      effective: set("CapEff"),
      bounding: set("CapBnd"),
      ambient: set("CapAmb"),
    },
    seccomp: Number(field("Seccomp")),
  };
}
