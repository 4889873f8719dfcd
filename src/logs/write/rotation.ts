import { existsSync, lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";

/** The rotated file number `index` of a log, compressed or not; undefined when there is none. */
export function rotatedFile(path: string, index: number): string | undefined {
  return [`${path}.${index}`, `${path}.${index}.gz`].find((name) => existsSync(name));
}

/** All files of a log that exist, oldest first, the current one last. */
export function logFiles(path: string): string[] {
  const prefix = `${basename(path)}.`;
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch {
    // No folder, no log.
    return [];
  }
  const numbers = new Set<number>();
  for (const name of names) {
    const match = /^(\d{1,6})(?:\.gz)?$/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "");
    if (match !== null) numbers.add(Number(match[1]));
  }
  const rotated = [...numbers].sort((a, b) => b - a).flatMap((index) => rotatedFile(path, index) ?? []);
  return existsSync(path) ? [...rotated, path] : rotated;
}

/**
 * Moves `path` to `path.1`, `path.1` to `path.2`, …, dropping what would be beyond `maxFiles` in all. Stopped at any
 * point it can simply be called again: files move into the first gap of the chain only, so a second call goes on
 * where the first one stopped. Does nothing when `path` is gone, i.e. when it was complete.
 */
export function shiftLogFiles(path: string, maxFiles: number): void {
  if (!existsSync(path)) return;
  let gap = 1;
  while (gap < maxFiles && rotatedFile(path, gap) !== undefined) gap++;
  if (gap >= maxFiles) {
    gap = Math.max(maxFiles - 1, 1);
    for (const name of [`${path}.${gap}`, `${path}.${gap}.gz`]) rmSync(name, { force: true });
  }
  for (let index = gap - 1; index >= 1; index--) {
    const from = rotatedFile(path, index);
    if (from !== undefined) renameSync(from, `${path}.${index + 1}${from.endsWith(".gz") ? ".gz" : ""}`);
  }
  renameSync(path, `${path}.1`);
}

/** The name under which a log's file of this inode is found now; undefined when it was dropped. */
export function findByInode(path: string, inode: number): string | undefined {
  return logFiles(path).find((name) => {
    try {
      return lstatSync(name).ino === inode;
    } catch {
      // Rotated away between the listing and here.
      return false;
    }
  });
}
