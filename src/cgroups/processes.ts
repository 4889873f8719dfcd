import { readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { delay } from "#base";
import { errorCode } from "#linux";
import { type Directory, readText } from "./cgroup-file.ts";
import { errors } from "./errors.ts";

/** The groups at and below `directory`, children before parents; empty when it is gone. */
export function groupsWithin(directory: Directory): Directory[] {
  let entries;
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  const children = entries.filter((entry) => entry.isDirectory());
  return [...children.flatMap((entry) => groupsWithin(join(directory, entry.name))), directory];
}

/** Every process at and below `directory`. */
export function processesWithin(directory: Directory): number[] {
  const pids = new Set<number>();
  for (const group of groupsWithin(directory)) {
    for (const line of (readText(group, "cgroup.procs") ?? "").split("\n")) {
      // 0 is a process of another pid namespace, which has no number here.
      if (line !== "" && line !== "0") pids.add(Number(line));
    }
  }
  return [...pids];
}

function killAll(directory: Directory): void {
  for (const pid of processesWithin(directory)) {
    if (pid === process.pid) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // Already gone.
      if (errorCode(error) !== "ESRCH") throw error;
    }
  }
}

function tryRemove(directory: Directory): "removed" | "busy" {
  for (const group of groupsWithin(directory)) {
    try {
      rmdirSync(group);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EBUSY" || code === "ENOTEMPTY") return "busy";
      if (code !== "ENOENT") throw error;
    }
  }
  return "removed";
}

/** Total patience with a group that stays busy; exiting processes leave within milliseconds. */
const patienceMs = 5000;

/** Removes a group with its children; kills what is left in it, and waits for the kernel to let go. */
export async function removeGroup(directory: Directory): Promise<void> {
  // The common case first: everything has exited, and the directory just goes.
  if (tryRemove(directory) === "removed") return;
  const deadline = performance.now() + patienceMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    killAll(directory);
    await delay(pauseMs);
    if (tryRemove(directory) === "removed") return;
    if (performance.now() > deadline) throw errors.cgroupBusy(directory);
  }
}
