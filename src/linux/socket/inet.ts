import { addressOf, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_KEEPALIVE = 9;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const TCP_NODELAY = 1;
const IP_PKTINFO = 8;
const IPV6_RECVPKTINFO = 49;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EINPROGRESS = 115;

function setOption(fd: number, level: number, option: number, value: number): number {
  const bytes = stableBuffer(4);
  bytes.writeInt32LE(value, 0);
  return trySyscall(SYS.setsockopt, fd, level, option, bytes, 4);
}

/** struct sockaddr_in or sockaddr_in6 of an address of 4 or 16 bytes. */
function socketAddress(address: Uint8Array, port: number): Buffer {
  const isIpv6 = address.length === 16;
  const result = stableBuffer(isIpv6 ? 28 : 16);
  result.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0);
  result.writeUInt16BE(port, 2);
  result.set(address, isIpv6 ? 8 : 4);
  return result;
}

/** Small writes leave at once, and dead peers are noticed, as Go's sockets do by default; tcp(7). */
function tuneStream(fd: number): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/** The next waiting TCP connection, non-blocking and close-on-exec, or -errno (-EAGAIN: none waits). accept(2). */
export function acceptStream(listener: number): number {
  const fd = trySyscall(SYS.accept4, listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) tuneStream(fd);
  return fd;
}

/**
 * Begins a connection to an address of 4 or 16 bytes; the descriptor, or -errno. A stream is ready when it becomes writable,
 * and `streamFailure` then tells how it went. connect(2).
 */
export function connectInet(kind: "stream" | "datagram", address: Uint8Array, port: number): number {
  const type = (kind === "stream" ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = trySyscall(SYS.socket, address.length === 16 ? AF_INET6 : AF_INET, type, 0);
  if (fd < 0) return fd;
  if (kind === "stream") tuneStream(fd);
  const target = socketAddress(address, port);
  const result = trySyscall(SYS.connect, fd, target, target.length);
  if (result === 0 || result === -EINPROGRESS) return fd;
  trySyscall(SYS.close, fd);
  return result;
}

/** The pending error of a socket, as -errno; 0 = none. */
export function streamFailure(fd: number): number {
  const value = stableBuffer(8);
  value.writeInt32LE(4, 4);
  const result = trySyscall(SYS.getsockopt, fd, SOL_SOCKET, SO_ERROR, value, value.subarray(4));
  return result < 0 ? result : -value.readInt32LE(0);
}

/** Lets a datagram socket tell to which of the host's addresses each datagram came, so that answers leave from there; ipv6(7). */
export function tellDestinations(fd: number): void {
  if (setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) < 0) setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

/** Where a datagram came from and to; handed back to `answerDatagram`. */
export type DatagramOrigin = { readonly name: Buffer; readonly control: Buffer };

const NAME_BYTES = 28;
const CONTROL_BYTES = 64;
const DATAGRAM_BYTES = 65_536;
// The kernel follows addresses inside the header, which keep nothing alive: these live as long as the program.
const data = stableBuffer(DATAGRAM_BYTES);
const vector = stableBuffer(16);
const name = stableBuffer(NAME_BYTES);
const control = stableBuffer(CONTROL_BYTES);
const header = stableBuffer(56);

/** struct msghdr of recvmsg(2) on 64-bit Linux. */
function prepare(dataBytes: number, nameBytes: number, controlBytes: number): void {
  header.fill(0);
  vector.writeBigUInt64LE(addressOf(data), 0);
  vector.writeBigUInt64LE(BigInt(dataBytes), 8);
  header.writeBigUInt64LE(addressOf(name), 0);
  header.writeUInt32LE(nameBytes, 8);
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(controlBytes === 0 ? 0n : addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(controlBytes), 40);
}

/** The next datagram of an unconnected socket, or -errno. `bytes` is a view that the next call overwrites. */
export function receiveDatagram(fd: number): { readonly bytes: Buffer; readonly from: DatagramOrigin } | number {
  prepare(DATAGRAM_BYTES, NAME_BYTES, CONTROL_BYTES);
  const length = trySyscall(SYS.recvmsg, fd, header, MSG_DONTWAIT);
  if (length < 0) return length;
  const nameBytes = Math.min(header.readUInt32LE(8), NAME_BYTES);
  const controlBytes = Math.min(Number(header.readBigUInt64LE(40)), CONTROL_BYTES);
  return {
    bytes: data.subarray(0, length),
    from: { name: Buffer.from(name.subarray(0, nameBytes)), control: sourceControl(control.subarray(0, controlBytes)) },
  };
}

/**
 * in_pktinfo and in6_pktinfo as received say where a datagram arrived; sent, they choose source and interface. Without the
 * interface the kernel's routes choose the way back. ip(7), ipv6(7).
 */
function sourceControl(received: Buffer): Buffer {
  const result = Buffer.from(received);
  if (result.length < 28) return Buffer.alloc(0);
  const level = result.readInt32LE(8);
  if (level === IPPROTO_IP) result.writeInt32LE(0, 16);
  // Link-local addresses mean nothing without their interface.
  else if (level === IPPROTO_IPV6 && result.length >= 36 && result.readUInt16BE(16) >> 6 !== 0xfe80 >> 6)
    result.writeInt32LE(0, 32);
  return result;
}

/** Sends a datagram back to where one came from, from the address it came to: bytes sent, or -errno. */
export function answerDatagram(fd: number, bytes: Uint8Array, to: DatagramOrigin): number {
  data.set(bytes);
  name.set(to.name);
  control.set(to.control);
  prepare(bytes.length, to.name.length, to.control.length);
  return trySyscall(SYS.sendmsg, fd, header, MSG_DONTWAIT | MSG_NOSIGNAL);
}
