import { spawn } from "node:child_process";
import { closeSync, fsync } from "node:fs";
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
async function syncFileSystem(path: string, fd: number): Promise<void> {
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn("/bin/sync", ["-f", path], { stdio: "ignore", env: {} });
    child.on("error", () => resolve(null));
    child.on("close", (exitCode) => resolve(exitCode));
  });
  // No such program, or one without -f: better a pause than a layer that a power cut empties.
  if (code !== 0) syncFileSystemOf(fd);
}

/** Everything below a directory, and the directory, is on disk when this resolves. */
export async function makeTreeDurable(path: string): Promise<void> {
  const root = openDirectory(toByteString(path));
  try {
    const few = openAll(root);
    if (few === undefined) {
      await syncFileSystem(path, root);
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
