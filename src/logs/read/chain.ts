import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { logFiles } from "../write/rotation.ts";

/** One file of a log, held open: it can be read whole even when it is rotated out meanwhile. */
export type OpenLogFile = {
  readonly fd: number;
  readonly inode: number;
  readonly compressed: boolean;
};

const ATTEMPTS = 20;

function openAll(names: readonly string[]): OpenLogFile[] {
  const opened: OpenLogFile[] = [];
  try {
    for (const name of names) {
      const fd = openSync(name, "r");
      opened.push({ fd, inode: fstatSync(fd).ino, compressed: name.endsWith(".gz") });
    }
    return opened;
  } catch (error) {
    closeAll(opened);
    throw error;
  }
}

/** Closes files of a chain. */
export function closeAll(files: readonly OpenLogFile[]): void {
  for (const file of files) closeSync(file.fd);
}

/** Inode of the current file; undefined while there is none (the instant of a rotation, or no log yet). */
export function currentInode(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** Opens every file of the log, oldest first, as one consistent set: not while a rotation is moving them. */
export function openChain(path: string): OpenLogFile[] {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const names = logFiles(path);
    let files: OpenLogFile[];
    try {
      files = openAll(names);
    } catch {
      // Renamed between listing and opening: list again.
      continue;
    }
    const unchanged = names.every(
      (name, index) => statSync(name, { throwIfNoEntry: false })?.ino === files[index]?.inode,
    );
    if (unchanged && logFiles(path).length === names.length) return files;
    closeAll(files);
  }
  return [];
}
