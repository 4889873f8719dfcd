import { stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";

// include/uapi/linux/eventpoll.h
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
// struct epoll_event is packed on x86-64 only.
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const DATA_OFFSET = process.arch === "x64" ? 4 : 8;

/** Readiness bits of epoll_ctl(2). Errors and hang-ups are reported whether asked for or not. */
export const EPOLL = { IN: 0x001, OUT: 0x004, ERR: 0x008, HUP: 0x010, RDHUP: 0x2000 } as const;

/** A set of descriptors whose readiness can be asked for at once, level-triggered. */
export type EpollSet = {
  readonly fd: number;
  add(fd: number, events: number): void;
  modify(fd: number, events: number): void;
  remove(fd: number): void;
  /** Calls back for each ready descriptor; `timeoutMs` -1 waits for one. Returns how many there were. */
  wait(timeoutMs: number, ready: (fd: number, events: number) => void): number;
};

/** struct pollfd: descriptor, events asked for, events there are. */
const entry = stableBuffer(8);
const POLLIN = 0x1;
/** Bytes of a kernel's sigset_t, which ppoll wants to know though there is none. */
const SIGNAL_SET_BYTES = 8;

/**
 * Sleeps until something in an epoll set is ready, and leaves it there: epoll_wait puts what it has told of at the end
 * of its list (fs/eventpoll.c, ep_send_events), and who was first must stay so for whoever asks next, for the order of
 * what a process writes to its two streams. False when a signal came instead.
 */
export function waitForReadiness(set: number): boolean {
  entry.writeInt32LE(set, 0);
  entry.writeInt32LE(POLLIN, 4);
  return trySyscall(SYS.ppoll, entry, 1, null, null, SIGNAL_SET_BYTES) > 0;
}

/** Makes an epoll set. */
export function createEpollSet(): EpollSet {
  const capacity = 64;
  const set = syscall("epoll_create1", SYS.epoll_create1, EPOLL_CLOEXEC);
  const change = stableBuffer(EVENT_BYTES);
  const events = stableBuffer(EVENT_BYTES * capacity);
  const control = (operation: number, fd: number, mask: number): void => {
    change.writeUInt32LE(mask, 0);
    change.writeInt32LE(fd, DATA_OFFSET);
    syscall(`epoll_ctl ${fd}`, SYS.epoll_ctl, set, operation, fd, change);
  };
  return {
    fd: set,
    add: (fd, mask) => control(EPOLL_CTL_ADD, fd, mask),
    modify: (fd, mask) => control(EPOLL_CTL_MOD, fd, mask),
    remove: (fd) => void trySyscall(SYS.epoll_ctl, set, EPOLL_CTL_DEL, fd, change),
    wait: (timeoutMs, ready) => {
      const count = trySyscall(SYS.epoll_pwait, set, events, capacity, timeoutMs, null, 8);
      for (let index = 0; index < count; index++) {
        const at = index * EVENT_BYTES;
        ready(events.readInt32LE(at + DATA_OFFSET), events.readUInt32LE(at));
      }
      return Math.max(count, 0);
    },
  };
}
