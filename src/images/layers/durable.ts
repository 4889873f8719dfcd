import { closeSync, fsync, readFileSync, statSync } from "node:fs";
import { promisify } from "node:util";
import {
  AT_FDCWD,
  closeFd,
  FILE_TYPE,
  findStatusAt,
  O,
  openAt,
  openDirectory,
  readDirectory,
  S_IFMT,
  syncFileSystem,
  toByteString,
} from "#linux";

const fsyncAsync = promisify(fsync);

/** Up to so many files are synced one by one; beyond, one syncfs is cheaper (docs/decisions/0010-layer-store.md). */
const FEW = 16;

/** Opens the regular files and directories below a directory; undefined as soon as there are more than `FEW`. */
function openAll(directoryFd: number): number[] | undefined {
  const opened: number[] = [];
  const visit = (fd: number): boolean => {
    for (const name of readDirectory(fd)) {
      const type = (findStatusAt(fd, name)?.mode ?? 0) & S_IFMT;
      if (type !== FILE_TYPE.regular && type !== FILE_TYPE.directory) continue;
      if (opened.length >= FEW) return false;
      const child = openAt(fd, name, O.readOnly | O.noFollow | (type === FILE_TYPE.directory ? O.directory : 0));
      opened.push(child);
      if (type === FILE_TYPE.directory && !visit(child)) return false;
    }
    return true;
  };
  let few = false;
  try {
    few = visit(directoryFd);
  } finally {
    if (!few) for (const fd of opened.splice(0)) closeFd(fd);
  }
  return few ? opened : undefined;
}

type Syncs = { readonly running: Promise<void>; next: Promise<void> | undefined };

/** By file system. */
const syncs = new Map<bigint, Syncs>();

/**
 * Syncs the file system that holds a path, by syncfs(2). Who comes while a sync runs waits for the next one, together with all others
 * who came meanwhile: layers that are unpacked side by side cost two syncs, not one each.
 */
function syncTogether(path: string): Promise<void> {
  const { dev } = statSync(path, { bigint: true });
  const current = syncs.get(dev);
  if (current !== undefined) {
    current.next ??= current.running
      .catch(() => {
        // Its callers are told; the next is a sync of its own.
      })
      .then(() => {
        syncs.delete(dev);
        return syncTogether(path);
      });
    return current.next;
  }
  const entry: Syncs = {
    running: syncFileSystem(path).finally(() => {
      if (entry.next === undefined) syncs.delete(dev);
    }),
    next: undefined,
  };
  syncs.set(dev, entry);
  return entry.running;
}

/** One file more to sync costs about as much as so many bytes of others that syncfs(2) would write out too. */
const BYTES_A_FILE = 64 * 1024;
const AT_ONCE = 8;

/** Bytes that are waiting to be written to any disk (proc_meminfo(5)); 0 where nobody says. */
function dirtyBytes(): number {
  try {
    const text = readFileSync("/proc/meminfo", "utf8");
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
    return (kilobytes("Dirty") + kilobytes("Writeback")) * 1024;
  } catch {
    return 0;
  }
}

/** Paths of the regular files and directories below a directory; undefined once there are more than `most`. */
function listTree(
  directoryFd: number,
  most: number,
): readonly { readonly path: string; readonly flags: number }[] | undefined {
  const found: { readonly path: string; readonly flags: number }[] = [];
  const visit = (fd: number, prefix: string): boolean => {
    for (const name of readDirectory(fd)) {
      const type = (findStatusAt(fd, name)?.mode ?? 0) & S_IFMT;
      if (type !== FILE_TYPE.regular && type !== FILE_TYPE.directory) continue;
      if (found.length >= most) return false;
      const flags = O.readOnly | O.noFollow | (type === FILE_TYPE.directory ? O.directory : 0);
      const path = `${prefix}${name}`;
      found.push({ path, flags });
      if (type !== FILE_TYPE.directory) continue;
      const child = openAt(fd, name, flags);
      try {
        if (!visit(child, `${path}/`)) return false;
      } finally {
        closeFd(child);
      }
    }
    return true;
  };
  return visit(directoryFd, "") ? found : undefined;
}

async function syncEach(
  directoryFd: number,
  entries: readonly { readonly path: string; readonly flags: number }[],
): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let entry = entries[next++]; entry !== undefined; entry = entries[next++]) {
      const fd = openAt(directoryFd, entry.path, entry.flags);
      try {
        await fsyncAsync(fd);
      } finally {
        closeSync(fd);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/**
 * Everything below a directory, and the directory, is on disk when this resolves. Many files are synced by syncfs(2),
 * which one call does, unless others have written so much that waiting for all of it would take longer than file by file.
 * @param ownBytes how much of what waits to be written is this tree's
 */
export async function makeTreeDurable(path: string, ownBytes = 0): Promise<void> {
  const root = openDirectory(toByteString(path));
  try {
    const few = openAll(root);
    if (few !== undefined) {
      try {
        await Promise.all([...few, root].map((fd) => fsyncAsync(fd)));
      } finally {
        for (const fd of few) closeSync(fd);
      }
      return;
    }
    const ofOthers = dirtyBytes() - ownBytes;
    const entries = ofOthers <= 0 ? undefined : listTree(root, Math.floor(ofOthers / BYTES_A_FILE));
    if (entries === undefined) await syncTogether(path);
    else {
      await syncEach(root, entries);
      await fsyncAsync(root);
    }
  } finally {
    closeFd(root);
  }
}

/** The names in a directory are on disk when this resolves. */
export async function makeDirectoryDurable(path: string): Promise<void> {
  const fd = openAt(AT_FDCWD, toByteString(path), O.readOnly | O.directory);
  try {
    await fsyncAsync(fd);
  } finally {
    closeFd(fd);
  }
}
