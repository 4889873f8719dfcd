import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tryWriteValue } from "./cgroup-file.ts";

/**
 * Makes a group's directories, its parents' too. A new cpuset has no CPUs until it is given some (cgroup-v1/cpusets.rst):
 * it gets its parent's.
 */
export function createV1(mounts: ReadonlyMap<string, string>, path: string): void {
  const names = path.split("/").filter((name) => name !== "");
  for (const [controller, mount] of mounts) {
    let directory = mount;
    for (const name of names) {
      const parent = directory;
      directory = join(directory, name);
      mkdirSync(directory, { recursive: true });
      if (controller !== "cpuset") continue;
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        if (readFileSync(join(directory, file), "utf8").trim() !== "") continue;
        tryWriteValue(directory, file, readFileSync(join(parent, file), "utf8").trim());
      }
    }
  }
}

/** The same in the unified hierarchy, where parents must hand their controllers down (cgroup-v2.rst, 2-4-2). */
export function createV2(mount: string, path: string, controllers: readonly string[]): void {
  const directory = join(mount, path);
  mkdirSync(directory, { recursive: true });
  const above: string[] = [];
  for (let parent = directory; parent.length > mount.length; parent = dirname(parent)) above.unshift(parent);
  for (const group of [mount, ...above]) {
    for (const controller of controllers) tryWriteValue(group, "cgroup.subtree_control", `+${controller}`);
  }
}
