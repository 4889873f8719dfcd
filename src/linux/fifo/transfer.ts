import { stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

const EINTR = 4;
const EAGAIN = 11;
// include/linux/splice.h
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;

/** Result of a non-blocking transfer: bytes moved (0 = end of file), or -errno; `WOULD_BLOCK` when nothing is there. */
export const WOULD_BLOCK: number = -EAGAIN;

function retried(call: () => number): number {
  for (;;) {
    const result = call();
    if (result !== -EINTR) return result;
  }
}

/** read(2) into `buffer` from `offset`: bytes read, 0 at the end, or -errno. Never throws. */
export function readInto(fd: number, buffer: Uint8Array, offset = 0): number {
  const target = offset === 0 ? buffer : buffer.subarray(offset);
  if (target.length === 0) return WOULD_BLOCK;
  return retried(() => trySyscall(SYS.read, fd, target, target.length));
}

/** write(2) of `bytes`: bytes written, or -errno. Never throws; SIGPIPE is ignored by the process. */
export function writeFrom(fd: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  return retried(() => trySyscall(SYS.write, fd, bytes, bytes.length));
}

const splicePosition = stableBuffer(8);

/**
 * Moves bytes from a pipe into a file at `position` without taking them through this process: at every instant they
 * are in the pipe or in the file, whatever kills us. Bytes moved, 0 at the end of the pipe, or -errno. splice(2).
 */
export function splicePipeToFile(pipe: number, file: number, position: number, lengthBytes: number): number {
  splicePosition.writeBigInt64LE(BigInt(position), 0);
  return retried(() =>
    trySyscall(SYS.splice, pipe, null, file, splicePosition, lengthBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK),
  );
}

/**
 * Moves bytes from a terminal's master into a pipe without taking them through this process. Bytes moved, 0 when nothing
 * was, or -errno: -EIO when nobody has the terminal open. splice(2).
 */
export function spliceIntoPipe(from: number, pipe: number, lengthBytes: number): number {
  return retried(() => trySyscall(SYS.splice, from, null, pipe, null, lengthBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

// include/linux/falloc.h
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

/** Gives the space of the first `lengthBytes` of a file back; offsets stay. False when the file system cannot. */
export function punchHole(fd: number, lengthBytes: number): boolean {
  return trySyscall(SYS.fallocate, fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, lengthBytes) === 0;
}
