import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { punchHole, splicePipeToFile } from "#linux";

/** Space given back at once; below it the file only grows, which costs no call. */
const RECLAIM_BYTES = 512 * 1024;
const PAGE_BYTES = 4096;

/**
 * Output of one stream between its pipe and the log, in a file of the run directory. Offsets grow for as long as the
 * file lives; what was consumed is given back to the file system.
 */
export type Staging = {
  /** Moves at most `lengthBytes` from a pipe to the end: bytes moved, 0 at the pipe's end, or -errno. */
  takeFromPipe(pipe: number, lengthBytes: number): number;
  /** Appends bytes that come from elsewhere. */
  append(bytes: Uint8Array): void;
  /** Fills `target` with what follows `position`; bytes read. */
  read(position: number, target: Buffer): number;
  readonly end: number;
  /** Gives back what lies before `consumed`; returns the new consumed position (0 when the file was emptied). */
  reclaim(consumed: number): number;
  close(): void;
};

/** Opens the staging file at `path`, making it when missing. */
export function openStaging(path: string): Staging {
  closeSync(openSync(path, "a", 0o600));
  const fd = openSync(path, "r+");
  let end = fstatSync(fd).size;
  let reclaimed = 0;
  const append = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(fd, bytes, done, bytes.length - done, end + done);
    }
    end += bytes.length;
  };
  return {
    takeFromPipe: (pipe, lengthBytes) => {
      const taken = splicePipeToFile(pipe, fd, end, lengthBytes);
      if (taken > 0) end += taken;
      return taken;
    },
    append,
    read: (position, target) => readSync(fd, target, 0, Math.min(target.length, end - position), position),
    get end() {
      return end;
    },
    reclaim: (consumed) => {
      if (consumed - reclaimed < RECLAIM_BYTES) return consumed;
      if (consumed === end) {
        ftruncateSync(fd, 0);
        end = 0;
        reclaimed = 0;
        return 0;
      }
      const whole = consumed - (consumed % PAGE_BYTES);
      if (punchHole(fd, whole)) reclaimed = whole;
      return consumed;
    },
    close: () => closeSync(fd),
  };
}
