import { stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

/** poll(2), include/uapi/asm-generic/poll.h. */
const POLLERR = 0x8;
const POLLHUP = 0x10;

/** struct pollfd: descriptor, events asked for (none: these two are always told), events there are. */
const entry = stableBuffer(8);
const atOnce = stableBuffer(16);
/** Bytes of a kernel's sigset_t, which ppoll wants to know though there is none. */
const SIGNAL_SET_BYTES = 8;

/**
 * Whether a stream socket's peer has gone altogether: it will neither send nor read. A peer that has only ended its
 * own direction has not. For TCP the kernel cannot know before something is sent.
 */
export function isHungUp(fd: number): boolean {
  entry.writeInt32LE(fd, 0);
  entry.writeInt32LE(0, 4);
  if (trySyscall(SYS.ppoll, entry, 1, atOnce, 0, SIGNAL_SET_BYTES) <= 0) return false;
  return (entry.readInt16LE(6) & (POLLERR + POLLHUP)) !== 0;
}
