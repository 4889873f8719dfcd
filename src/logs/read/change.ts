import { watch } from "node:fs";
import { dirname } from "node:path";

/** A backstop for file systems that tell nothing (NFS, FUSE). */
const POLL_MS = 1000;

/** Tells that something happened in a log's folder. */
export type ChangeSignal = {
  /** Resolves at the next change after the last call's resolution, or when `wake` was called. */
  next(): Promise<void>;
  wake(): void;
  close(): void;
};

/** Watches the folder of `path` by inotify. */
export function watchChanges(path: string): ChangeSignal {
  let changed = false;
  let waiting: (() => void) | undefined;
  const wake = () => {
    changed = true;
    waiting?.();
    waiting = undefined;
  };
  let close = () => {};
  try {
    const watcher = watch(dirname(path), { persistent: false }, wake);
    watcher.on("error", wake);
    close = () => watcher.close();
  } catch {
    // No folder or no inotify watches left: the timer alone has to do.
  }
  const timer = setInterval(wake, POLL_MS);
  return {
    next: () =>
      new Promise((resolve) => {
        const done = () => {
          changed = false;
          resolve();
        };
        if (changed) done();
        else waiting = done;
      }),
    wake,
    close: () => {
      clearInterval(timer);
      close();
    },
  };
}
