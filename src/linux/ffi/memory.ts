import { ptr } from "bun:ffi";

/**
 * A zeroed buffer whose address never changes. Small typed arrays made otherwise may be moved by the
 * engine when a view is first taken of them, and a pointer handed to the kernel would then dangle.
 */
export function stableBuffer(size: number): Buffer {
  return Buffer.from(new ArrayBuffer(Math.max(size, 1)));
}

/** The bytes of `text` with a terminating NUL, as system calls take paths and names. */
export function cString(text: string): Buffer {
  if (text.includes("\0")) throw new TypeError("text for a system call holds a NUL byte");
  const length = Buffer.byteLength(text);
  const buffer = stableBuffer(length + 1);
  buffer.write(text);
  return buffer;
}

/** The address of a buffer for use inside a structure; keep the buffer referenced while the kernel may read it. */
export function addressOf(buffer: Uint8Array): bigint {
  return BigInt(ptr(buffer));
}
