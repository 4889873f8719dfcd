import { KernelError, stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
/** sizeof(sun_path) less the closing NUL; unix(7). */
export const UNIX_PATH_MAX = 107;

/** A non-blocking, close-on-exec listening socket at `path`, which must not exist; unix(7). */
export function listenUnix(path: string, backlog: number): number {
  const length = Buffer.byteLength(path);
  if (length > UNIX_PATH_MAX) throw new KernelError(`bind ${path}`, 36, `socket paths end at ${UNIX_PATH_MAX} bytes`);
  const address = stableBuffer(2 + length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  const fd = syscall("socket AF_UNIX", SYS.socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    syscall(`bind ${path}`, SYS.bind, fd, address, address.length);
    syscall(`listen ${path}`, SYS.listen, fd, backlog);
    return fd;
  } catch (error) {
    trySyscall(SYS.close, fd);
    throw error;
  }
}

/** The next waiting connection, non-blocking and close-on-exec, or -errno (-EAGAIN: none waits). */
export function acceptUnix(listener: number): number {
  return trySyscall(SYS.accept4, listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/** Two connected sockets that keep message boundaries, non-blocking, with room for `bufferBytes` in flight. */
export function packetSocketPair(bufferBytes: number): readonly [number, number] {
  const pair = stableBuffer(8);
  syscall("socketpair", SYS.socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
  const ends = [pair.readInt32LE(0), pair.readInt32LE(4)] as const;
  const size = stableBuffer(4);
  size.writeInt32LE(bufferBytes, 0);
  // Without CAP_NET_ADMIN the default size stays, which holds a few hundred messages.
  for (const end of ends) trySyscall(SYS.setsockopt, end, SOL_SOCKET, SO_SNDBUFFORCE, size, 4);
  return ends;
}

const SHUT_WR = 1;

/** Ends the sending direction; the peer reads an end of file, and we may go on reading. shutdown(2). */
export function shutdownWrite(fd: number): void {
  trySyscall(SYS.shutdown, fd, SHUT_WR);
}
