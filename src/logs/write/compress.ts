import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fchmodSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { findByInode, logFiles } from "./rotation.ts";

/** Compresses the rotated files of a log in the background, one at a time. */
export type RotatedCompressor = {
  /** Looks for rotated files that are not compressed; returns at once. */
  poke(): void;
  /** Resolves when nothing is being compressed. */
  idle(): Promise<void>;
};

async function compressOne(path: string, name: string): Promise<void> {
  // Held open: by the time the first byte is read, a rotation may have given the name to another file.
  const source = openSync(name, "r");
  const inode = fstatSync(source).ino;
  const temporary = `${path}.compressing`;
  try {
    await pipeline(createReadStream("", { fd: source }), createGzip(), createWriteStream(temporary, { mode: 0o640 }));
    const fd = openSync(temporary, "r");
    fchmodSync(fd, 0o640);
    closeSync(fd);
    // It may have been rotated on meanwhile; from here to the end nothing else runs on this thread.
    const now = findByInode(path, inode);
    if (now === undefined || now === path) return;
    renameSync(temporary, `${now}.gz`);
    rmSync(now, { force: true });
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Makes the compressor of the log at `path`. `onError` hears of a failure; the file then stays as it is. */
export function createRotatedCompressor(path: string, onError: (error: unknown) => void): RotatedCompressor {
  let running: Promise<void> | undefined;
  const failed = new Set<number>();
  const work = async () => {
    for (;;) {
      const next = logFiles(path).find((name) => {
        if (name === path || name.endsWith(".gz")) return false;
        return !failed.has(statSync(name).ino);
      });
      if (next === undefined) return;
      try {
        await compressOne(path, next);
      } catch (error) {
        const inode = statSync(next, { throwIfNoEntry: false })?.ino;
        if (inode !== undefined) failed.add(inode);
        onError(error);
      }
    }
  };
  return {
    poke: () => {
      running ??= work()
        .catch(onError)
        .finally(() => {
          running = undefined;
        });
    },
    idle: async () => {
      await running;
    },
  };
}

/** Tidies what a compressor that was killed left: its unfinished file, and originals whose compressed form is there. */
export function removeHalfCompressed(path: string): void {
  rmSync(`${path}.compressing`, { force: true });
  for (const name of logFiles(path)) {
    if (name !== path && !name.endsWith(".gz") && existsSync(`${name}.gz`)) rmSync(name, { force: true });
  }
}
