import { existsSync } from "node:fs";

/**
 * Where a thread's code lies: `path` below `src/`, without ending. In a compiled executable it is a file of the bundle, named
 * by its path under the entry points' folder; `scripts/build` lists them.
 */
export function workerLocation(path: string): string {
  for (const root of ["", "src/"]) {
    const bundled = `/$bunfs/root/${root}${path}.js`;
    if (import.meta.url.includes("$bunfs") && existsSync(bundled)) return bundled;
  }
  return new URL(`../${path}.ts`, import.meta.url).href;
}
