import { dirname } from "node:path";
import { readHostMemory } from "#linux";
import { type Directory, offers, readFigure, readTable, tryWriteValue, writeValue } from "../cgroup-file.ts";
import type { CgroupStats } from "../contract.ts";
import { errors } from "../errors.ts";
import type { Resources } from "../resources.ts";

function text(bytes: number): string {
  return bytes < 0 ? "max" : String(bytes);
}

/**
 * A limit below what is used makes the kernel kill at once; v1 refused such a limit after trying to reclaim, and so do
 * we (memory.reclaim: Linux 5.19).
 */
function makeRoom(directory: Directory, limit: number): void {
  const usage = (): number => readFigure(directory, "memory.current") ?? 0;
  if (limit < 0 || usage() <= limit) return;
  tryWriteValue(directory, "memory.reclaim", usage() - limit);
  if (usage() > limit) throw errors.memoryLimitBelowUsage(limit, usage());
}

/** Docker's MemorySwap is memory plus swap; v2 limits swap alone. Undefined = leave it. */
function swapLimit(directory: Directory, resources: Resources): number | undefined {
  const { memoryBytes: memory, memorySwapBytes: total } = resources;
  if (total === undefined || total === 0) {
    if (memory === undefined) return undefined;
    if (memory < 0) return -1;
    // Only memory changes: keep the sum.
    const oldMemory = readFigure(directory, "memory.max");
    const oldSwap = readFigure(directory, "memory.swap.max");
    if (oldMemory === undefined || oldSwap === undefined) return undefined;
    return Math.max(0, oldMemory + oldSwap - memory);
  }
  if (total < 0) return -1;
  const limit = memory ?? readFigure(directory, "memory.max");
  return limit === undefined || limit < 0 ? undefined : Math.max(0, total - limit);
}

/** Memory limits (Documentation/admin-guide/cgroup-v2.rst, "Memory"). */
export function updateMemory(directory: Directory, resources: Resources): void {
  const swap = swapLimit(directory, resources);
  if (resources.memoryBytes !== undefined) {
    makeRoom(directory, resources.memoryBytes);
    writeValue(directory, "memory.max", text(resources.memoryBytes));
  }
  if (swap !== undefined && offers(directory, "memory.swap.max")) writeValue(directory, "memory.swap.max", text(swap));
  if (resources.memoryReservationBytes !== undefined)
    writeValue(directory, "memory.low", text(resources.memoryReservationBytes));
}

/** The smallest memory.max from here to the root of the mount, which has none. */
function effectiveLimit(directory: Directory): number {
  let limit = readHostMemory().totalBytes;
  for (let group = directory; offers(group, "memory.max"); group = dirname(group))
    limit = Math.min(limit, readFigure(group, "memory.max") ?? Infinity);
  return limit;
}

/** What is used; `failCount` is the "oom" line of memory.events, as Docker shows it. */
export function readMemory(directory: Directory): CgroupStats["memory"] {
  return {
    usageBytes: readFigure(directory, "memory.current") ?? 0,
    failCount: readTable(directory, "memory.events")["oom"] ?? 0,
    limitBytes: effectiveLimit(directory),
    detail: readTable(directory, "memory.stat"),
  };
}

/** How often the OOM killer struck at or below this group. */
export function readOomKills(directory: Directory): number {
  return readTable(directory, "memory.events")["oom_kill"] ?? 0;
}
