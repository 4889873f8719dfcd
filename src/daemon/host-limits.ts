import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseNumberList } from "#base";
import { type CgroupLayout, type OfferedLimits, unifiedHierarchy } from "#cgroups";
import { onlineCpuList } from "#linux";
import type { CgroupFacts, HostLimits } from "#runtime";

/** What decides which OCI runtime works: see `findRuntimes`. */
export function cgroupFacts(layout: CgroupLayout): CgroupFacts {
  const unified = layout.mounts.get(unifiedHierarchy);
  const controllers = unified === undefined ? "" : readFileSync(join(unified, "cgroup.controllers"), "latin1").trim();
  return { version: layout.version, unifiedControllers: controllers === "" ? [] : controllers.split(" ") };
}

const memoryNodes = "/sys/devices/system/node/online";

/** What containers' limits are checked against. */
export function hostLimits(offered: OfferedLimits): HostLimits {
  const cpusText = onlineCpuList();
  return {
    cpus: new Set(parseNumberList(cpusText)),
    cpusText,
    // A kernel without NUMA has one node and no list of them.
    memoryNodesText: existsSync(memoryNodes) ? readFileSync(memoryNodes, "latin1").trim() : "0",
    offered,
  };
}
