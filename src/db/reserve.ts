import { closeSync, openSync, rmSync, statSync, writeSync } from "node:fs";

const reserveBytes = 2 * 1024 * 1024;
const refillMs = 10_000;

/**
 * A file beside the database that is given up when the disk is full, so that what frees space (removing containers,
 * images, volumes) can still be written down. It comes back as soon as there is room.
 */
export type Reserve = {
  /** Makes the file when there is room, now or later. */
  fill(): void;
  /** Gives the space back; false when there was none to give. */
  release(): boolean;
  close(): void;
};

/** The reserve at `path`; nothing is written before `fill`. */
export function openReserve(path: string): Reserve {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const fillLater = (): void => {
    timer ??= setTimeout(fill, refillMs);
    timer.unref();
  };
  const fill = (): void => {
    timer = undefined;
    if (statSync(path, { throwIfNoEntry: false })?.size === reserveBytes) return;
    let fd: number | undefined;
    try {
      fd = openSync(path, "w", 0o600);
      // Written, not only made long: a hole reserves nothing.
      if (writeSync(fd, Buffer.alloc(reserveBytes, 1)) < reserveBytes) throw new Error("no room");
    } catch {
      // Still no room: what could be had is given back.
      rmSync(path, { force: true });
      fillLater();
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  };
  return {
    fill,
    release: () => {
      const present = statSync(path, { throwIfNoEntry: false }) !== undefined;
      if (present) rmSync(path, { force: true });
      fillLater();
      return present;
    },
    close: () => clearTimeout(timer),
  };
}
