import { KernelError, stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";
import { UNIX_PATH_MAX } from "./unix.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** A non-blocking datagram socket connected to the unix socket at `path`; unix(7). The caller closes it. */
export function connectDatagram(path: string): number {
  const length = Buffer.byteLength(path);
  if (length > UNIX_PATH_MAX)
    throw new KernelError(`connect ${path}`, 36, `socket paths end at ${UNIX_PATH_MAX} bytes`);
  const address = stableBuffer(2 + length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  const fd = syscall("socket AF_UNIX", SYS.socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    syscall(`connect ${path}`, SYS.connect, fd, address, address.length);
    return fd;
  } catch (error) {
    trySyscall(SYS.close, fd);
    throw error;
  }
}

/** Sends one datagram on a connected socket: bytes sent, or -errno (-EAGAIN: the receiver is behind). */
export function sendDatagram(fd: number, bytes: Uint8Array): number {
  // Copied into memory that stays in place for the call.
  const message = stableBuffer(bytes.length);
  message.set(bytes);
  return trySyscall(SYS.write, fd, message, bytes.length);
}
