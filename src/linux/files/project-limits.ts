import { readdirSync } from "node:fs";
import { join } from "node:path";
import { hasProjectQuota, limitProject, projectOf, setProject } from "./project-quota.ts";

/** Limits how much may be written below directories, by project quotas of ext4 and xfs (quotactl(2)). */
export type ProjectLimits = {
  /** Gives an empty directory a project of its own with this limit; false where the file system has no quotas. */
  limit(directory: string, sizeBytes: number): boolean;
};

/** Projects of one data root: numbers far from those people use, and from other data roots on the same file system. */
const firstProjects = { snapshots: 2 ** 30, volumes: 2 ** 30 + 2 ** 29 } as const;
const projectsPerRoot = 2 ** 16;

/** Makes them for the directories right below `root`. The file system is the record: nothing is kept besides. */
export function createProjectLimits(root: string, purpose: keyof typeof firstProjects): ProjectLimits {
  let isSupported: boolean | undefined;
  let used: Set<number> | undefined;
  const hash = Number.parseInt(new Bun.CryptoHasher("sha256").update(root).digest("hex").slice(0, 3), 16);
  const first = firstProjects[purpose] + hash * projectsPerRoot;
  const free = (): number => {
    used ??= new Set(readdirSync(root).map((name) => projectOf(join(root, name))));
    let project = first + 1;
    while (used.has(project)) project++;
    used.add(project);
    return project;
  };
  return {
    limit: (directory, sizeBytes) => {
      isSupported ??= hasProjectQuota(root);
      if (!isSupported) return false;
      const project = free();
      // The limit first: from the moment the directory belongs to the project nothing can exceed it.
      limitProject(directory, project, sizeBytes);
      setProject(directory, project);
      return true;
    },
  };
}
