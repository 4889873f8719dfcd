import { readFileSync } from "node:fs";

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
