import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  duplicateFromProcess,
  EPOLL,
  errorCode,
  openPidfd,
  packetSocketPair,
  type Poller,
  readProcessStat,
  receiveDescriptor,
  sendDescriptor,
  sendSignalByPidfd,
  SYS,
  trySyscall,
} from "#linux";

const IN_FLIGHT_BYTES = 32 * 1024 * 1024;
const SIGKILL = 9;
/** Descriptors of ended processes may lie in the queue this long: a turn costs a few microseconds for each one kept. */
/** More messages than descriptors a process may have: a turn never sees as many. */
const MESSAGES_MAX = 200_000;
const SWEEP_MS = 100;
const ROUND_MARK = "round";
const SEPARATOR = " ";

/**
 * Keeps descriptors alive while no supervisor runs. They lie as SCM_RIGHTS messages in the queue of a socket pair
 * whose ends a `sleep` process holds: a descriptor in a queue is as open as one in a process. So FIFOs keep their
 * bytes, terminals do not hang up, stdins stay open, and pidfds keep exit codes, and a new supervisor finds them all.
 */
export type Keeper = {
  /** Pids that are the keeper's own. */
  owns(pid: number): boolean;
  /** Stores a duplicate of `fd` for a process under a name of its own. */
  put(id: string, name: string, fd: number): void;
  /** Drops a process's descriptors, all or the one of that name, some time soon or before it returns. */
  drop(id: string, name?: string): void;
  /** What was found when the keeper was taken over; each descriptor belongs to whoever asks first. */
  claim(id: string, name: string): number | undefined;
  /** Closes what nobody has claimed, here and in the store. */
  dropUnclaimed(): void;
  /** Ends the keeper: nothing is kept any more. */
  close(): void;
};

type Identity = { readonly pid: number; readonly startTime: string };

function readIdentity(path: string): Identity | undefined {
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as Partial<Identity>;
    return typeof value.pid === "number" && typeof value.startTime === "string"
      ? { pid: value.pid, startTime: value.startTime }
      : undefined;
  } catch (error) {
    // None yet, or half written by a crash of the machine, after which nothing is left to keep.
    if (error instanceof SyntaxError || errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Takes over the keeper of an earlier supervisor of this state root, or starts one. */
export function openKeeper(stateRoot: string, poller: Poller, onError: (error: unknown) => void): Keeper {
  const path = join(stateRoot, "keeper.json");
  const claimable = new Map<string, number>();
  const dropping = new Set<string>();
  let ends: readonly [number, number];
  let identity: Identity | undefined;
  let pidfd: number | undefined;
  let closing = false;
  let sweep: ReturnType<typeof setTimeout> | undefined;

  const adopt = (who: Identity, handle: number) => {
    identity = who;
    pidfd = handle;
    poller.watch(handle, EPOLL.IN, () => {
      poller.unwatch(handle);
      trySyscall(SYS.close, handle);
      // Killed by someone: the queue is still ours, only its second holder is missing.
      if (!closing) start();
    });
  };

  const start = () => {
    const child = Bun.spawn(["sleep", "2147483647"], {
      stdio: ["ignore", "ignore", "ignore", ends[0], ends[1]],
      detached: true,
    });
    child.unref();
    const handle = openPidfd(child.pid);
    const startTime = readProcessStat(child.pid)?.startTime;
    if (handle === undefined || startTime === undefined) {
      onError(new Error("the keeper process ended at once"));
      return;
    }
    adopt({ pid: child.pid, startTime }, handle);
    writeFileSync(`${path}.new`, JSON.stringify({ pid: child.pid, startTime }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };

  const send = (tag: string, fd: number) => {
    const sent = sendDescriptor(ends[0], tag, fd);
    if (sent < 0) onError(new Error(`a descriptor cannot be kept for a restart (errno ${-sent})`));
  };

  /**
   * One turn of the queue. A message is copied to the back before it leaves the front, so that a kill loses nothing;
   * the copy it may leave instead is dropped by the next turn. A held descriptor is the visitor's to close.
   */
  const turn = (visit: (tag: string, fd: number) => "keep" | "hold" | "drop") => {
    const close = (message: ReturnType<typeof receiveDescriptor>) => {
      if (typeof message !== "number" && message.fd !== undefined) trySyscall(SYS.close, message.fd);
    };
    // A killed supervisor leaves the mark of its turn, which is not where this one ends.
    const mark = `${ROUND_MARK}${SEPARATOR}${randomBytes(6).toString("hex")}`;
    send(mark, ends[0]);
    // Bounded, so that a queue without this turn's mark (its message was refused) is a fault and not an endless turn.
    for (let left = MESSAGES_MAX; left > 0; left--) {
      const message = receiveDescriptor(ends[1], { peek: true });
      if (typeof message === "number") return;
      const verdict = message.fd === undefined || !isTag(message.text) ? "drop" : visit(message.text, message.fd);
      if (verdict !== "drop" && message.fd !== undefined) send(message.text, message.fd);
      if (verdict !== "hold") close(message);
      close(receiveDescriptor(ends[1]));
      if (message.text === mark) return;
    }
    onError(new Error("the queue of kept descriptors has no end"));
  };

  /** What `put` sends; anything else in the queue is a mark, or nothing of ours. */
  const isTag = (tag: string) => !isMark(tag) && /^[\w.-]+ [a-z]+$/.test(tag);
  const isMark = (tag: string) => tag === ROUND_MARK || tag.startsWith(ROUND_MARK + SEPARATOR);
  const isDropped = (tag: string) => dropping.has(tag) || dropping.has(tag.slice(0, tag.indexOf(SEPARATOR)));
  const dropNow = () => {
    clearTimeout(sweep);
    sweep = undefined;
    if (dropping.size === 0) return;
    turn((tag) => (isDropped(tag) ? "drop" : "keep"));
    dropping.clear();
  };

  const takeOver = (): boolean => {
    const found = readIdentity(path);
    if (found === undefined) return false;
    const handle = openPidfd(found.pid);
    if (handle === undefined) return false;
    // The handle comes first: from here on the pid cannot come to mean another process.
    const same = readProcessStat(found.pid)?.startTime === found.startTime;
    const first = same ? duplicateFromProcess(handle, 3) : undefined;
    const second = same ? duplicateFromProcess(handle, 4) : undefined;
    if (first === undefined || second === undefined) {
      trySyscall(SYS.close, handle);
      return false;
    }
    ends = [first, second];
    adopt(found, handle);
    turn((tag, fd) => {
      if (claimable.has(tag)) return "drop";
      claimable.set(tag, fd);
      return "hold";
    });
    return true;
  };

  ends = [-1, -1];
  if (!takeOver()) {
    ends = packetSocketPair(IN_FLIGHT_BYTES);
    start();
  }

  return {
    owns: (pid) => pid === identity?.pid,
    put: (id, name, fd) => send(`${id}${SEPARATOR}${name}`, fd),
    drop: (id, name) => {
      if (name === undefined) {
        dropping.add(id);
        sweep ??= setTimeout(dropNow, SWEEP_MS);
        return;
      }
      dropping.add(`${id}${SEPARATOR}${name}`);
      dropNow();
    },
    claim: (id, name) => {
      const tag = `${id}${SEPARATOR}${name}`;
      const fd = claimable.get(tag);
      claimable.delete(tag);
      return fd;
    },
    dropUnclaimed: () => {
      for (const [tag, fd] of claimable) {
        trySyscall(SYS.close, fd);
        dropping.add(tag);
      }
      claimable.clear();
      dropNow();
    },
    close: () => {
      closing = true;
      clearTimeout(sweep);
      if (pidfd !== undefined) sendSignalByPidfd(pidfd, SIGKILL);
      rmSync(path, { force: true });
    },
  };
}
