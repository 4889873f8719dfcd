import { addressOf, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_PEEK = 2;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** One descriptor a message is all that is needed; room for more so that a hostile sender's extras are closed too. */
const MOST_DESCRIPTORS = 16;
const CONTROL_BYTES = 16 + MOST_DESCRIPTORS * 4;

/** A descriptor's tag and nothing more is sent. */
const DATA_BYTES = 4096;

// The kernel follows addresses inside these, which keep nothing alive: buffers made for one call could be collected before
// it. These live as long as the program, and each call uses them from start to end without waiting.
const data = stableBuffer(DATA_BYTES);
const parts = stableBuffer(16);
const control = stableBuffer(CONTROL_BYTES);
const header = stableBuffer(56);

// struct msghdr, iovec and cmsghdr of recvmsg(2) on 64-bit Linux.
function prepare(dataBytes: number, controlBytes: number): void {
  control.fill(0);
  header.fill(0);
  parts.writeBigUInt64LE(addressOf(data), 0);
  parts.writeBigUInt64LE(BigInt(dataBytes), 8);
  header.writeBigUInt64LE(addressOf(parts), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(controlBytes), 40);
}

/** Sends `text` with one descriptor over a unix socket; bytes sent or -errno. The receiver gets a duplicate. */
export function sendDescriptor(socket: number, text: string, fd: number): number {
  const length = Buffer.byteLength(text);
  if (length > DATA_BYTES) throw new RangeError("the text beside a descriptor is too long");
  prepare(length, 24);
  data.write(text);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  return trySyscall(SYS.sendmsg, socket, header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/**
 * Receives one message and its descriptor, close-on-exec; undefined descriptor when none came. A number is 0 at the
 * end of the stream or -errno. Further descriptors of one message are closed. With `peek` the message stays in the queue.
 */
export function receiveDescriptor(
  socket: number,
  options: { readonly peek?: boolean } = {},
): { readonly text: string; readonly fd: number | undefined } | number {
  prepare(DATA_BYTES, CONTROL_BYTES);
  const length = trySyscall(
    SYS.recvmsg,
    socket,
    header,
    MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (options.peek === true ? MSG_PEEK : 0),
  );
  if (length <= 0) return length;
  const controlLength = Number(header.readBigUInt64LE(40));
  const descriptors: number[] = [];
  if (controlLength >= 20 && control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS) {
    const end = Math.min(Number(control.readBigUInt64LE(0)), CONTROL_BYTES);
    for (let at = 16; at + 4 <= end; at += 4) descriptors.push(control.readInt32LE(at));
  }
  for (const extra of descriptors.slice(1)) trySyscall(SYS.close, extra);
  return { text: data.toString("utf8", 0, length), fd: descriptors[0] };
}
