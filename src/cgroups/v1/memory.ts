import { readHostMemory } from "#linux";
import { type Directory, offers, readFigure, readTable, tryWriteValue, writeValue } from "../cgroup-file.ts";
import type { CgroupStats } from "../contract.ts";
import { errors } from "../errors.ts";
import type { Resources } from "../resources.ts";

const limitFile = "memory.limit_in_bytes";
const swapFile = "memory.memsw.limit_in_bytes";

function setLimit(directory: Directory, bytes: number): void {
  const code = tryWriteValue(directory, limitFile, bytes);
  if (code === undefined) return;
  if (code === "EBUSY") {
    throw errors.memoryLimitBelowUsage(bytes, readFigure(directory, "memory.usage_in_bytes") ?? 0);
  }
  // Once more, for the error.
  writeValue(directory, limitFile, bytes);
}

/** Writes limits in the one order that keeps memory ≤ memory+swap at every moment, as the kernel demands. */
function setLimits(directory: Directory, memory: number | undefined, swap: number | undefined): void {
  if (swap === undefined) {
    if (memory !== undefined) setLimit(directory, memory);
    return;
  }
  const current = readFigure(directory, limitFile) ?? 0;
  const swapFirst = swap < 0 || swap >= current;
  if (swapFirst) writeValue(directory, swapFile, swap);
  if (memory !== undefined) setLimit(directory, memory);
  if (!swapFirst) writeValue(directory, swapFile, swap);
}

/** Memory limits (Documentation/admin-guide/cgroup-v1/memory.rst). Swap is left out where it is not accounted. */
export function updateMemory(directory: Directory, resources: Resources): void {
  const memory = resources.memoryBytes;
  // Unlimited memory under a limit of memory+swap makes no sense; Docker and runc lift both.
  const swap = resources.memorySwapBytes ?? (memory === -1 ? -1 : undefined);
  setLimits(directory, memory, offers(directory, swapFile) ? swap : undefined);
  if (resources.memoryReservationBytes !== undefined)
    writeValue(directory, "memory.soft_limit_in_bytes", resources.memoryReservationBytes);
  if (resources.memorySwappiness !== undefined && resources.memorySwappiness >= 0)
    writeValue(directory, "memory.swappiness", resources.memorySwappiness);
  if (resources.oomKillDisable !== undefined)
    writeValue(directory, "memory.oom_control", resources.oomKillDisable ? 1 : 0);
}

/** What is used, as the kernel counts it; the limit is the smallest of the group's, its parents' and the host's. */
export function readMemory(directory: Directory): CgroupStats["memory"] {
  const detail = readTable(directory, "memory.stat");
  return {
    usageBytes: readFigure(directory, "memory.usage_in_bytes") ?? 0,
    maxUsageBytes: readFigure(directory, "memory.max_usage_in_bytes") ?? 0,
    failCount: readFigure(directory, "memory.failcnt") ?? 0,
    limitBytes: Math.min(
      readFigure(directory, limitFile) ?? Infinity,
      detail["hierarchical_memory_limit"] ?? Infinity,
      readHostMemory().totalBytes,
    ),
    detail,
  };
}

/** How often the OOM killer struck in this group. */
export function readOomKills(directory: Directory): number {
  return readTable(directory, "memory.oom_control")["oom_kill"] ?? 0;
}
