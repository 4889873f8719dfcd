import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseNumberList } from "#base";
import type { CgroupLayout, OfferedLimits } from "#cgroups";
import { kernelVersion, onlineCpuList, readHostMemory, readOsRelease, readSysctl } from "#linux";
import type { ImageCatalog, LayerStore, Snapshotter } from "#images";
import { logDrivers } from "#logs";
import type { Container } from "../containers/container.ts";
import type { ContainerRegistry } from "../containers/registry.ts";
import type { SystemInfo, SystemService } from "../contract/index.ts";

const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** Facts about this host and this daemon. What cannot change while the daemon runs is read once. */
export function createSystemService(parts: {
  readonly instanceId: string;
  readonly dataRoot: string;
  readonly layout: CgroupLayout;
  readonly limits: OfferedLimits;
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  readonly snapshots: Snapshotter;
  readonly registry: ContainerRegistry;
  runtimes(): SystemInfo["runtimes"];
  defaultRuntime(): string;
  readonly loggingDriver: string;
  readonly cdiDirectories: readonly string[];
  readonly securityOptions: readonly string[];
  registryConfig(): SystemInfo["registryConfig"];
  labels(): readonly string[];
}): SystemService {
  const release = readOsRelease();
  const { limits } = parts;
  const kernel = kernelVersion().text;
  const cpus = parseNumberList(onlineCpuList())?.length ?? 1;
  const memoryBytes = readHostMemory().totalBytes;
  const backing = backingFileSystem(parts.dataRoot);
  const count = (holds: (container: Container) => boolean) =>
    [...parts.registry.all()].filter((container) => holds(container)).length;

  return {
    info: () => ({
      instanceId: parts.instanceId,
      name: hostname(),
      dataRoot: parts.dataRoot,
      cgroupVersion: parts.layout.version === "v2" ? "2" : "1",
      cgroupDriver: "cgroupfs",
      kernelVersion: kernel,
      operatingSystem: release.prettyName,
      osVersion: release.version,
      architecture: machines[process.arch] ?? process.arch,
      cpus,
      memoryBytes,
      storageDriver: parts.snapshots.name,
      storageStatus: [["Backing Filesystem", backing]],
      runtimes: parts.runtimes(),
      defaultRuntime: parts.defaultRuntime(),
      loggingDriver: parts.loggingDriver,
      cdiDirectories: parts.cdiDirectories,
      logDrivers,
      securityOptions: parts.securityOptions,
      capabilities: {
        memory: limits.memory,
        swap: limits.swap,
        pids: limits.pids,
        cpuShares: limits.cpuShares,
        cpuset: limits.cpuset,
        cpuCfs: limits.cpuCfs,
        blkio: limits.blkio,
        oomKillDisable: limits.oomKillDisable,
      },
      warnings: warningsOf(limits),
      containers: {
        total: count(() => true),
        running: count(({ life }) => life.status === "running"),
        paused: count(({ life }) => life.status === "paused"),
        stopped: count(({ life }) => !["running", "paused"].includes(life.status)),
      },
      images: parts.catalog.list().length,
      registryConfig: parts.registryConfig(),
      labels: parts.labels(),
      ipv4Forwarding: readSysctl("net.ipv4.ip_forward") === "1",
    }),
    layersSize: async () => {
      const diffIds = new Set(parts.catalog.list().flatMap((image) => image.config.rootfs.diff_ids));
      let total = 0;
      for (const diffId of diffIds) if (parts.layers.has(diffId)) total += parts.layers.sizeOf(diffId);
      return total;
    },
  };
}

/** Docker's sentences for limits the kernel does not offer (`docker info` prints them last). */
function warningsOf(limits: OfferedLimits): readonly string[] {
  const warnings: string[] = [];
  if (!limits.memory) warnings.push("WARNING: No memory limit support");
  if (!limits.swap) warnings.push("WARNING: No swap limit support");
  if (!limits.cpuCfs) warnings.push("WARNING: No cpu cfs quota support");
  if (!limits.cpuShares) warnings.push("WARNING: No cpu shares support");
  if (!limits.cpuset) warnings.push("WARNING: No cpuset support");
  if (!limits.pids) warnings.push("WARNING: No pids limit support");
  if (!limits.blkioWeight) warnings.push("WARNING: No blkio weight support");
  return warnings;
}

/** Type of the file system a path lies on, by the longest mount point that holds it. */
function backingFileSystem(path: string): string {
  let best = { length: -1, type: "unknown" };
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, target = "", type = ""] = line.split(" ");
    const holds = path === target || path.startsWith(target === "/" ? "/" : `${target}/`);
    if (target !== "" && holds && target.length > best.length) best = { length: target.length, type };
  }
  return best.type === "ext4" || best.type === "ext3" ? "extfs" : best.type;
}
