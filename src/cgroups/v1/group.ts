import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Cgroup, CgroupStats } from "../contract.ts";
import { createV1 } from "../create.ts";
import { updateCpuset } from "../cpuset.ts";
import { errors } from "../errors.ts";
import { readPids, updatePids } from "../pids.ts";
import { processesWithin, removeGroup } from "../processes.ts";
import type { Resources } from "../resources.ts";
import { readBlkio, updateBlkio } from "./blkio.ts";
import { readCpu, updateCpu } from "./cpu.ts";
import { freeze, thaw, thawIfFrozen } from "./freezer.ts";
import { readMemory, readOomKills, updateMemory } from "./memory.ts";

const updaters = [
  ["memory", updateMemory],
  ["cpu", updateCpu],
  ["cpuset", updateCpuset],
  ["pids", updatePids],
  ["blkio", updateBlkio],
] as const;

const noMemory: CgroupStats["memory"] = { usageBytes: 0, limitBytes: 0, detail: {} };

/** A control group that is one directory in each v1 hierarchy (and in the unified one of a hybrid host). */
export function openV1(mounts: ReadonlyMap<string, string>, path: string): Cgroup {
  const directoryOf = (controller: string): string | undefined => {
    const mount = mounts.get(controller);
    return mount === undefined ? undefined : join(mount, path);
  };
  const directories = [...new Set(mounts.values())].map((mount) => join(mount, path));
  const freezer = directoryOf("freezer");
  const memory = directoryOf("memory");
  const pids = directoryOf("pids");
  const blkio = directoryOf("blkio");
  // Any hierarchy that every runtime puts every process into.
  const roster = pids ?? memory ?? directoryOf("devices") ?? freezer ?? directories[0] ?? "/nonexistent";

  return {
    path,
    exists: () => existsSync(roster),
    create: () => createV1(mounts, path),
    update(resources: Resources): void {
      for (const [controller, update] of updaters) {
        const directory = directoryOf(controller);
        if (directory !== undefined) update(directory, resources);
      }
    },
    stats: () => ({
      cpu: readCpu(directoryOf("cpuacct"), directoryOf("cpu")),
      memory: memory === undefined ? noMemory : readMemory(memory),
      pids: pids === undefined ? { current: 0, limit: undefined } : readPids(pids),
      blkio: blkio === undefined ? { serviceBytes: [], serviced: [] } : readBlkio(blkio),
    }),
    async freeze(): Promise<void> {
      if (freezer === undefined) throw errors.freezerMissing();
      await freeze(freezer);
    },
    thaw(): Promise<void> {
      if (freezer === undefined) throw errors.freezerMissing();
      thaw(freezer);
      return Promise.resolve();
    },
    pids: () => processesWithin(roster),
    oomKills: () => (memory === undefined ? 0 : readOomKills(memory)),
    async remove(): Promise<void> {
      if (freezer !== undefined) thawIfFrozen(freezer);
      for (const directory of directories) await removeGroup(directory);
    },
  };
}
