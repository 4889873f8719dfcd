import { type Directory, writeValue } from "./cgroup-file.ts";
import type { Resources } from "./resources.ts";

/** Which CPUs and memory nodes may be used (cpuset(7)); the files have one name in both versions. */
export function updateCpuset(directory: Directory, resources: Resources): void {
  if (resources.cpusetCpus !== undefined) writeValue(directory, "cpuset.cpus", resources.cpusetCpus);
  if (resources.cpusetMems !== undefined) writeValue(directory, "cpuset.mems", resources.cpusetMems);
}
