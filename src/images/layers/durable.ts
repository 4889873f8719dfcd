import { spawn } from "node:child_process";
import { closeSync, fsync, statSync } from "node:fs";
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
  syncFileSystemOf,
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

/** syncfs(2) can take seconds and would stop this thread, so a child does it; `sync -f` is that one call. */
async function runSync(path: string): Promise<void> {
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn("/bin/sync", ["-f", path], { stdio: "ignore", env: {} });
    child.on("error", () => resolve(null));
    child.on("close", (exitCode) => resolve(exitCode));
  });
  if (code === 0) return;
  // No such program, or one without -f: better a pause than a layer that a power cut empties.
  const fd = openDirectory(toByteString(path));
  try {
    syncFileSystemOf(fd);
  } finally {
    closeFd(fd);
  }
}

type Syncs = { readonly running: Promise<void>; next: Promise<void> | undefined };

/** By file system. */
const syncs = new Map<bigint, Syncs>();

/**
 * Syncs the file system that holds a path. Who comes while a sync runs waits for the next one, together with all others
 * who came meanwhile: layers that are unpacked side by side cost two syncs, not one each.
 */
function syncFileSystem(path: string): Promise<void> {
  const { dev } = statSync(path, { bigint: true });
  const current = syncs.get(dev);
  if (current !== undefined) {
    current.next ??= current.running
      .catch(() => {
        // Its callers are told; the next is a sync of its own.
      })
      .then(() => {
        syncs.delete(dev);
        return syncFileSystem(path);
      });
    return current.next;
  }
  const entry: Syncs = {
    running: runSync(path).finally(() => {
      if (entry.next === undefined) syncs.delete(dev);
    }),
    next: undefined,
  };
  syncs.set(dev, entry);
  return entry.running;
}

/** Everything below a directory, and the directory, is on disk when this resolves. */
export async function makeTreeDurable(path: string): Promise<void> {
  const root = openDirectory(toByteString(path));
  try {
    const few = openAll(root);
    if (few === undefined) {
      await syncFileSystem(path);
      return;
    }
    try {
      await Promise.all([...few, root].map((fd) => fsyncAsync(fd)));
    } finally {
      for (const fd of few) closeSync(fd);
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
