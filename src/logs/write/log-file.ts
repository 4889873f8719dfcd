import {
  closeSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { shiftLogFiles } from "./rotation.ts";

const FILE_MODE = 0o640;

/** The current file of a log, written at positions its owner knows. */
export type LogFile = {
  /** Names the file beyond renames. */
  readonly inode: number;
  readonly size: number;
  writeAt(position: number, bytes: Uint8Array): void;
  readAt(position: number, lengthBytes: number): Buffer;
  truncate(size: number): void;
  /** Re-reads the size, which another program may have changed (`> file`). */
  measure(): number;
  close(): void;
};

/** Opens the log's current file, making it and its folder when missing. */
export function openLogFile(path: string, flags: "a+" | "wx+" = "a+"): LogFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o710 });
  // "a+" only makes the file: positions need a descriptor without O_APPEND.
  if (flags === "a+") closeSync(openSync(path, "a", FILE_MODE));
  const fd = openSync(path, flags === "a+" ? "r+" : flags, FILE_MODE);
  try {
    fchmodSync(fd, FILE_MODE);
    const { ino: inode, size } = fstatSync(fd);
    return {
      inode,
      size,
      writeAt: (position, bytes) => {
        for (let done = 0; done < bytes.length;) {
          done += writeSync(fd, bytes, done, bytes.length - done, position + done);
        }
      },
      readAt: (position, lengthBytes) => {
        const buffer = Buffer.alloc(lengthBytes);
        return buffer.subarray(0, readSync(fd, buffer, 0, lengthBytes, position));
      },
      truncate: (length) => ftruncateSync(fd, length),
      measure: () => fstatSync(fd).size,
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Starts a new current file: the old one becomes `path.1`, or is dropped when only one file is kept. */
export function rotateLogFile(path: string, maxFiles: number): LogFile {
  if (maxFiles > 1) {
    shiftLogFiles(path, maxFiles);
    return openLogFile(path, "wx+");
  }
  // Replaced in one step, so that a reader of the old file sees it whole and then another inode.
  const fresh = `${path}.fresh`;
  rmSync(fresh, { force: true });
  const file = openLogFile(fresh, "wx+");
  renameSync(fresh, path);
  return file;
}
