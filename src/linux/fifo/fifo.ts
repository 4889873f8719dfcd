import { SYS, syscall, trySyscall } from "../ffi/index.ts";

const AT_FDCWD = -100;
const S_IFIFO = 0o010000;
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
// include/uapi/linux/fcntl.h: F_LINUX_SPECIFIC_BASE + 7
const F_SETPIPE_SZ = 1031;

/** Makes a FIFO of `mode`, whatever the umask; fails when the path exists. mknodat(2). */
export function makeFifo(path: string, mode: number): void {
  syscall(`mkfifo ${path}`, SYS.mknodat, AT_FDCWD, path, S_IFIFO | mode, 0);
}

function open(path: string, flags: number): number {
  return syscall(`open ${path}`, SYS.openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

/** The reading end, non-blocking; the open itself never waits. Reads give 0 once every writer has gone. */
export function openFifoReader(path: string): number {
  return open(path, O_RDONLY | O_NONBLOCK);
}

/** The writing end, non-blocking; fails with ENXIO when nobody has the FIFO open for reading. */
export function openFifoWriter(path: string): number {
  return open(path, O_WRONLY | O_NONBLOCK);
}

/** A blocking reading end, for a program that expects a plain stdin; a writer must be open or this waits. */
export function openFifoBlockingReader(path: string): number {
  return open(path, O_RDONLY);
}

/**
 * A blocking end for a program's output, opened for reading too: the program then never gets SIGPIPE, whoever
 * reads at the moment or not; fifo(7).
 */
export function openFifoForOutput(path: string): number {
  return open(path, O_RDWR);
}

/** Both ends in one descriptor, non-blocking: a pipe that this process fills and empties; fifo(7). */
export function openFifoRelay(path: string): number {
  return open(path, O_RDWR | O_NONBLOCK);
}

/** Asks for a larger pipe buffer; keeps what it has when the user's limit is used up (pipe(7)). */
export function growPipe(fd: number, sizeBytes: number): void {
  trySyscall(SYS.fcntl, fd, F_SETPIPE_SZ, sizeBytes);
}

// include/uapi/linux/fcntl.h
const F_DUPFD_CLOEXEC = 1030;

/** Another descriptor of the same open file, close-on-exec; fcntl(2). */
export function duplicateDescriptor(fd: number): number {
  return syscall(`dup ${fd}`, SYS.fcntl, fd, F_DUPFD_CLOEXEC, 3);
}
