import { type Directory, readFigure, writeValue } from "./cgroup-file.ts";
import type { CgroupStats } from "./contract.ts";
import type { Resources } from "./resources.ts";

/** The number of processes (Documentation/admin-guide/cgroup-v1/pids.rst); the files have one name in both versions. */
export function updatePids(directory: Directory, resources: Resources): void {
  const limit = resources.pidsLimit;
  if (limit !== undefined) writeValue(directory, "pids.max", limit <= 0 ? "max" : limit);
}

/** How many processes there are and may be. */
export function readPids(directory: Directory): CgroupStats["pids"] {
  return { current: readFigure(directory, "pids.current") ?? 0, limit: readFigure(directory, "pids.max") };
}
