import { existsSync } from "node:fs";
import { join } from "node:path";
import { tryWriteValue } from "../cgroup-file.ts";
import type { Cgroup } from "../contract.ts";
import { createV2 } from "../create.ts";
import { updateCpuset } from "../cpuset.ts";
import { readPids, updatePids } from "../pids.ts";
import { processesWithin, removeGroup } from "../processes.ts";
import type { Resources } from "../resources.ts";
import { readCpu, updateCpu } from "./cpu.ts";
import { freeze, thaw } from "./freezer.ts";
import { readIo, updateIo } from "./io.ts";
import { readMemory, readOomKills, updateMemory } from "./memory.ts";

/** A control group of the unified hierarchy: one directory. */
export function openV2(mount: string, path: string): Cgroup {
  const directory = join(mount, path);
  return {
    path,
    exists: () => existsSync(directory),
    create: () => createV2(mount, path, ["cpu", "cpuset", "io", "memory", "pids"]),
    update(resources: Resources): void {
      updateMemory(directory, resources);
      updateCpu(directory, resources);
      updateCpuset(directory, resources);
      updatePids(directory, resources);
      updateIo(directory, resources);
    },
    stats: () => ({
      cpu: readCpu(directory),
      memory: readMemory(directory),
      pids: readPids(directory),
      blkio: readIo(directory),
    }),
    freeze: () => freeze(directory),
    thaw(): Promise<void> {
      thaw(directory);
      return Promise.resolve();
    },
    pids: () => processesWithin(directory),
    oomKills: () => readOomKills(directory),
    async remove(): Promise<void> {
      // Linux 5.14; kills frozen processes too, and those that fork meanwhile.
      tryWriteValue(directory, "cgroup.kill", 1);
      tryWriteValue(directory, "cgroup.freeze", 0);
      await removeGroup(directory);
    },
  };
}
