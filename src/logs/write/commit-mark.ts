import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** How far a log and its staging are certain. */
export type CommitMark = {
  /** Inode of the log's current file. */
  inode: number;
  /** Bytes of it that are committed; what follows is a batch that was cut off. */
  logBytes: number;
  /** Bytes at the front of each staging file that are in the log. */
  readonly consumed: { stdout: number; stderr: number };
  /** Records that could not be written since the last one that could. */
  lost: number;
};

/** The mark on disk: one small write within one page, which a kill cannot cut in two. */
export type CommitMarkFile = {
  /** Undefined when there is no mark yet. */
  read(): CommitMark | undefined;
  write(mark: CommitMark): void;
  close(): void;
};

const MAGIC = 0x6265727468313n;
const BYTES = 48;

/** Opens the mark at `path`, on the run directory (a tmpfs). */
export function openCommitMark(path: string): CommitMarkFile {
  closeSync(openSync(path, "a", 0o600));
  const fd = openSync(path, "r+");
  const page = Buffer.from(new ArrayBuffer(BYTES));
  return {
    read: () => {
      if (readSync(fd, page, 0, BYTES, 0) < BYTES || page.readBigUInt64LE(0) !== MAGIC) return undefined;
      return {
        inode: Number(page.readBigUInt64LE(8)),
        logBytes: page.readDoubleLE(16),
        consumed: { stdout: page.readDoubleLE(24), stderr: page.readDoubleLE(32) },
        lost: page.readDoubleLE(40),
      };
    },
    write: (mark) => {
      page.writeBigUInt64LE(MAGIC, 0);
      page.writeBigUInt64LE(BigInt(mark.inode), 8);
      page.writeDoubleLE(mark.logBytes, 16);
      page.writeDoubleLE(mark.consumed.stdout, 24);
      page.writeDoubleLE(mark.consumed.stderr, 32);
      page.writeDoubleLE(mark.lost, 40);
      writeSync(fd, page, 0, BYTES, 0);
    },
    close: () => closeSync(fd),
  };
}
