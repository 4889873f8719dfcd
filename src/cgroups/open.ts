import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "#linux";
import type { Cgroup, CgroupLayout } from "./contract.ts";
import { errors } from "./errors.ts";
import { unifiedMount } from "./layout.ts";
import { openV1 } from "./v1/group.ts";
import { openV2 } from "./v2/group.ts";

/** `path` is a client's (`CgroupParent`) in part, and `remove` kills and deletes: it must stay below the root. */
function checkPath(path: string): void {
  const parts = path.split("/").slice(1);
  const isBelowRoot = path.startsWith("/") && parts.every((part) => part !== "" && part !== "." && part !== "..");
  if (!isBelowRoot || path.includes("\0")) throw errors.cgroupPathInvalid(path);
}

/**
 * The control group at `path` (absolute, as in the runtime's `cgroupsPath`). It need not exist yet: the OCI runtime
 * makes it. Throws when the path leaves the hierarchy.
 */
export function openCgroup(layout: CgroupLayout, path: string): Cgroup {
  checkPath(path);
  return layout.version === "v2" ? openV2(unifiedMount(layout), path) : openV1(layout.mounts, path);
}

/** Names of the control groups right below `path`, in whatever hierarchy. */
export function childCgroups(layout: CgroupLayout, path: string): readonly string[] {
  checkPath(path);
  const names = [...new Set(layout.mounts.values())].flatMap((mount) => {
    try {
      const entries = readdirSync(join(mount, path), { withFileTypes: true });
      return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    } catch (error) {
      // No container has been in this hierarchy.
      if (errorCode(error) === "ENOENT") return [];
      throw error;
    }
  });
  return [...new Set(names)];
}
