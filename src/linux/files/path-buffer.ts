import { addressOf, KernelError, stableBuffer } from "../ffi/index.ts";

/** PATH_MAX of the kernel, with its NUL (include/uapi/linux/limits.h). */
const PATH_MAX = 4096;
const ENAMETOOLONG = 36;
const EINVAL = 22;

const buffers = [stableBuffer(PATH_MAX), stableBuffer(PATH_MAX)] as const;
const addresses = [addressOf(buffers[0]), addressOf(buffers[1])] as const;

/**
 * File names are bytes, not text. The folder's functions take and return them as "byte strings": strings whose
 * every char code is one byte (latin1). These convert at the edges.
 */
export function toByteString(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** The text of a byte string for people and JSON; bytes that are not UTF-8 become U+FFFD. */
export function fromByteString(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/**
 * Puts a byte string with its NUL where the kernel can read it and returns the address. There are two such places
 * (calls take at most two paths); each is overwritten by the next call for it, so nothing may run in between.
 */
export function pathAddress(path: string, place: 0 | 1 = 0): bigint {
  if (path.length >= PATH_MAX) throw new KernelError(`path of ${path.length} bytes`, ENAMETOOLONG);
  const buffer = buffers[place];
  buffer.write(path, 0, "latin1");
  if (path.includes("\0")) throw new KernelError("path with a NUL byte", EINVAL);
  buffer[path.length] = 0;
  return addresses[place];
}
