import { KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

const ESRCH = 3;
const EBADF = 9;

/** A handle to a process that never comes to mean another one; undefined when the pid is gone. pidfd_open(2). */
export function openPidfd(pid: number): number | undefined {
  const fd = trySyscall(SYS.pidfd_open, pid, 0);
  if (fd === -ESRCH) return undefined;
  if (fd < 0) throw new KernelError(`pidfd_open ${pid}`, -fd);
  return fd;
}

/** Signals the process behind a pidfd; false when it has ended. pidfd_send_signal(2). */
export function sendSignalByPidfd(pidfd: number, signal: number): boolean {
  const result = trySyscall(SYS.pidfd_send_signal, pidfd, signal, null, 0);
  if (result === -ESRCH) return false;
  if (result < 0) throw new KernelError(`pidfd_send_signal ${signal}`, -result);
  return true;
}

/** A duplicate, close-on-exec, of another process's descriptor; undefined when it has none of that number. */
export function duplicateFromProcess(pidfd: number, fd: number): number | undefined {
  const result = trySyscall(SYS.pidfd_getfd, pidfd, fd, 0);
  if (result === -EBADF || result === -ESRCH) return undefined;
  if (result < 0) throw new KernelError(`pidfd_getfd ${fd}`, -result);
  return result;
}

// include/uapi/linux/pidfd.h: PIDFD_GET_INFO = _IOWR(0xFF, 11, struct pidfd_info), first version 64 bytes.
const PIDFD_GET_INFO = 3 * 2 ** 30 + (64 << 16) + (0xff << 8) + 11;
const PIDFD_INFO_EXIT = 1n << 3n;
const EXIT_CODE_OFFSET = 60;

/**
 * The wait status of a process that was reaped by whoever is its parent, kept by the kernel while a pidfd is open
 * (since Linux 6.15). Undefined when it has not been reaped yet or the kernel does not keep it.
 */
export function reapedWaitStatus(pidfd: number): number | undefined {
  const info = stableBuffer(64);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  if (trySyscall(SYS.ioctl, pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  if ((info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n) return undefined;
  return info.readInt32LE(EXIT_CODE_OFFSET);
}

/** The shell's exit code of a wait status: 0-255, or 128+n for signal n. */
export function exitCodeOfWaitStatus(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}
