import { readSync } from "node:fs";
import { AT_FDCWD, closeFd, FILE_TYPE, O, openAt, S_IFMT, statusOf, tryOpenInRoot } from "#linux";
import { errors } from "../errors.ts";

/** More than any real system has; an image decides what is in there, so reading needs a bound. */
const sizeLimitBytes = 10 * 1024 * 1024;

/**
 * Reads a file of an image with the image's root as "/": a symbolic link cannot leave it, and what is no regular file
 * is never opened for reading. "" when there is none. Throws invalid when it is something else or too large.
 */
export function readAccountFile(root: number, path: string): string {
  // O_PATH opens nothing: a FIFO does not block and a device does not notice.
  const handle = tryOpenInRoot(root, path, O.path);
  if (handle < 0) return "";
  try {
    const status = statusOf(handle);
    if ((status.mode & S_IFMT) !== FILE_TYPE.regular) throw errors.userFileUnusable(path, "it is not a regular file");
    if (status.sizeBytes > sizeLimitBytes) throw errors.userFileUnusable(path, "it is larger than 10 MiB");
    const file = openAt(AT_FDCWD, `/proc/self/fd/${handle}`, O.readOnly);
    try {
      const buffer = Buffer.allocUnsafe(status.sizeBytes);
      let length = 0;
      while (length < buffer.length) {
        const count = readSync(file, buffer, length, buffer.length - length, length);
        if (count === 0) break;
        length += count;
      }
      return buffer.toString("utf8", 0, length);
    } finally {
      closeFd(file);
    }
  } finally {
    closeFd(handle);
  }
}
