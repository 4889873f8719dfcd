import { dirname } from "node:path";
import { cgroupResources } from "./cgroup-resources.ts";
import type { Container } from "./container.ts";
import { cgroupPath, type ContainerParts } from "./parts.ts";

/** The groups above one, outermost first. */
function groupsAbove(path: string): readonly string[] {
  const above: string[] = [];
  for (let parent = dirname(path); parent !== "/"; parent = dirname(parent)) above.unshift(parent);
  return above;
}

/**
 * Makes a container's control group before its runtime does, for limits that runtimes cannot set on every host: block I/O
 * weights of BFQ on cgroup v1 (crun 1.8 knows CFQ's files only), and real-time CPU time, of which a group can have no more
 * than the groups above it (sched-rt-group.rst). Does nothing for containers without such limits.
 */
export function prepareGroup(parts: ContainerParts, container: Container): void {
  const { hostConfig } = container.document;
  const { BlkioWeight, BlkioWeightDevice, CpuRealtimePeriod, CpuRealtimeRuntime } = hostConfig;
  const hasWeights = (BlkioWeight ?? 0) > 0 || (BlkioWeightDevice ?? []).length > 0;
  const hasRealtime = (CpuRealtimePeriod ?? 0) > 0 || (CpuRealtimeRuntime ?? 0) > 0;
  if (!hasWeights && !hasRealtime) return;
  const path = cgroupPath(parts, container);
  const group = parts.openCgroup(path);
  group.create();
  if (hasWeights) group.update(cgroupResources({ BlkioWeight, BlkioWeightDevice }, hostConfig));
  const { periodUs, runtimeUs } = parts.defaults.realtime;
  if (!hasRealtime || runtimeUs === 0) return;
  for (const parent of groupsAbove(path)) {
    parts.openCgroup(parent).update({
      cpuRealtimePeriodUs: periodUs === 0 ? undefined : periodUs,
      cpuRealtimeRuntimeUs: runtimeUs,
    });
  }
}
