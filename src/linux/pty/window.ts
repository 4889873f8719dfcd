import { stableBuffer, SYS, syscall } from "../ffi/index.ts";

// include/uapi/asm-generic/ioctls.h
const TIOCSWINSZ = 0x5414;

/** Sets a terminal's size by its master; the kernel sends SIGWINCH to the foreground group. ioctl_tty(2). */
export function setWindowSize(fd: number, size: { readonly height: number; readonly width: number }): void {
  const window = stableBuffer(8);
  window.writeUInt16LE(Math.min(size.height, 0xffff), 0);
  window.writeUInt16LE(Math.min(size.width, 0xffff), 2);
  syscall("ioctl TIOCSWINSZ", SYS.ioctl, fd, TIOCSWINSZ, window);
}

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** Makes reads and writes on an open file description return at once; fcntl(2). */
export function setNonBlocking(fd: number): void {
  const flags = syscall("fcntl F_GETFL", SYS.fcntl, fd, F_GETFL, 0);
  syscall("fcntl F_SETFL", SYS.fcntl, fd, F_SETFL, flags | O_NONBLOCK);
}
