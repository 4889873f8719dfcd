import type { EpollSet } from "#linux";

/** The container's end of a published port. */
export type ForwardTarget = { readonly address: Buffer; readonly port: number };

/** A socket's readiness and who deals with it. */
export type Watch = {
  /** Replaces what is waited for; nothing to wait for takes the descriptor out of the set, so that a hang-up cannot spin. */
  set(fd: number, events: number, handler: (events: number) => void): void;
  remove(fd: number): void;
  /** Has all relays swept then, or before. */
  sweepAt(timeMs: number): void;
};

/** One forwarded port. */
export type Relay = {
  /** Closes the port's socket and all that came by it. */
  end(): void;
  /** Called at a time that was asked for with `sweepAt`, by this relay or another. */
  sweep(nowMs: number): void;
};

/** Handlers by descriptor over an epoll set. */
export function createWatch(set: EpollSet): Watch & {
  dispatch(fd: number, events: number): void;
  /** When `sweepAt` asked for a sweep; undefined = nobody did. `swept` forgets it. */
  dueMs(): number | undefined;
  swept(): void;
} {
  let dueMs: number | undefined;
  const watched = new Map<number, { events: number; handler: (events: number) => void }>();
  const remove = (fd: number): void => {
    if (watched.delete(fd)) set.remove(fd);
  };
  return {
    set: (fd, events, handler) => {
      const known = watched.get(fd);
      if (events === 0) return remove(fd);
      if (known === undefined) set.add(fd, events);
      else if (known.events !== events) set.modify(fd, events);
      watched.set(fd, { events, handler });
    },
    remove,
    sweepAt: (timeMs) => {
      dueMs = Math.min(dueMs ?? timeMs, timeMs);
    },
    dueMs: () => dueMs,
    swept: () => {
      dueMs = undefined;
    },
    dispatch: (fd, events) => watched.get(fd)?.handler(events),
  };
}
