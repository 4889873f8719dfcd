import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type MountInfo, readMountInfo } from "#linux";
import { readText } from "./cgroup-file.ts";
import type { CgroupLayout } from "./contract.ts";

/** The v1 controllers of kernel/cgroup and the subsystems; other words in a mount's options are flags. */
const v1Controllers = new Set([
  "blkio",
  "cpu",
  "cpuacct",
  "cpuset",
  "devices",
  "freezer",
  "hugetlb",
  "memory",
  "misc",
  "net_cls",
  "net_prio",
  "perf_event",
  "pids",
  "rdma",
]);

/** Key in `mounts` of the v2 tree of a hybrid host, where it holds processes but no limits. */
export const unifiedHierarchy = "unified";

/**
 * Finds how this host arranges control groups. Besides the controllers, `mounts` names hierarchies that only hold
 * processes ("name=systemd", "unified"): a runtime makes the container's group there too, and it must be removed.
 */
export function detectCgroups(mounts: readonly MountInfo[] = readMountInfo()): CgroupLayout {
  const found = new Map<string, string>();
  let unified: string | undefined;
  for (const mount of mounts) {
    if (mount.type === "cgroup2") {
      // The usual place wins over bind mounts of the same tree.
      if (unified === undefined || mount.mountPoint === "/sys/fs/cgroup") unified = mount.mountPoint;
    } else if (mount.type === "cgroup") {
      for (const option of mount.superOptions) {
        const isHierarchy = v1Controllers.has(option) || option.startsWith("name=");
        if (isHierarchy && !found.has(option)) found.set(option, mount.mountPoint);
      }
    }
  }
  const v1 = [...found.keys()].filter((name) => v1Controllers.has(name));
  if (v1.length === 0 && unified !== undefined) {
    const mount = unified;
    const controllers = (readText(mount, "cgroup.controllers") ?? "").split(/\s+/).filter((name) => name !== "");
    return { version: "v2", mounts: new Map(controllers.map((name) => [name, mount])), controllers };
  }
  if (unified === undefined) return { version: "v1", mounts: found, controllers: v1 };
  found.set(unifiedHierarchy, unified);
  return { version: "hybrid", mounts: found, controllers: v1 };
}

/** The one tree of a v2 host, wherever it is mounted. */
export function unifiedMount(layout: CgroupLayout): string {
  return layout.mounts.values().next().value ?? "/sys/fs/cgroup";
}

/** Which limits a host's kernel offers; the names say what a missing one costs. `cpuWeight`: shares become v2 weights. */
export type OfferedLimits = Readonly<
  Record<
    | "memory"
    | "swap"
    | "memoryReservation"
    | "memorySwappiness"
    | "kernelMemoryTcp"
    | "oomKillDisable"
    | "pids"
    | "cpuShares"
    | "cpuWeight"
    | "cpuCfs"
    | "cpuRealtime"
    | "cpuset"
    | "blkio"
    | "blkioWeight"
    | "blkioWeightDevice"
    | "blkioThrottle",
    boolean
  >
>;

function v1Limits(layout: CgroupLayout): OfferedLimits {
  const has = (controller: string, file: string): boolean => {
    const mount = layout.mounts.get(controller);
    return mount !== undefined && existsSync(join(mount, file));
  };
  // bfq's weight files are not in the root group (CFTYPE_NOT_ON_ROOT); its statistics are.
  const bfq = has("blkio", "blkio.bfq.io_service_bytes");
  return {
    memory: has("memory", "memory.limit_in_bytes"),
    swap: has("memory", "memory.memsw.limit_in_bytes"),
    memoryReservation: has("memory", "memory.soft_limit_in_bytes"),
    memorySwappiness: has("memory", "memory.swappiness"),
    kernelMemoryTcp: has("memory", "memory.kmem.tcp.limit_in_bytes"),
    oomKillDisable: has("memory", "memory.oom_control"),
    pids: layout.mounts.has("pids"),
    cpuShares: has("cpu", "cpu.shares"),
    cpuWeight: false,
    cpuCfs: has("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: has("cpu", "cpu.rt_runtime_us"),
    cpuset: layout.mounts.has("cpuset"),
    blkio: layout.mounts.has("blkio"),
    blkioWeight: has("blkio", "blkio.weight") || bfq,
    blkioWeightDevice: has("blkio", "blkio.weight_device") || bfq,
    blkioThrottle: has("blkio", "blkio.throttle.read_bps_device"),
  };
}

/** A group below the root, because the root itself shows no limits (CFTYPE_NOT_ON_ROOT). */
function sampleGroup(mount: string): string | undefined {
  try {
    const directory = readdirSync(mount, { withFileTypes: true }).find((entry) => entry.isDirectory());
    return directory === undefined ? undefined : join(mount, directory.name);
  } catch {
    // Not readable: the controllers alone must tell.
    return undefined;
  }
}

function v2Limits(layout: CgroupLayout): OfferedLimits {
  const has = (controller: string): boolean => layout.mounts.has(controller);
  const sample = sampleGroup(unifiedMount(layout));
  const sampleHas = (file: string): boolean => sample !== undefined && existsSync(join(sample, file));
  const weight = sampleHas("io.bfq.weight") || sampleHas("io.weight");
  return {
    memory: has("memory"),
    // Absent when the kernel was booted with swapaccount=0 or built without swap.
    swap: has("memory") && (sampleHas("memory.swap.max") || !sampleHas("memory.max")),
    memoryReservation: has("memory"),
    memorySwappiness: false,
    kernelMemoryTcp: false,
    oomKillDisable: false,
    pids: has("pids"),
    cpuShares: has("cpu"),
    cpuWeight: has("cpu"),
    cpuCfs: has("cpu"),
    cpuRealtime: false,
    cpuset: has("cpuset"),
    blkio: has("io"),
    blkioWeight: has("io") && (weight || sample === undefined),
    blkioWeightDevice: has("io") && (weight || sample === undefined),
    blkioThrottle: has("io"),
  };
}

/** Which limits can be set here, for the warnings of `info`, `create` and `update`. */
export function offeredLimits(layout: CgroupLayout): OfferedLimits {
  return layout.version === "v2" ? v2Limits(layout) : v1Limits(layout);
}
