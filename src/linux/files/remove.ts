import { KernelError } from "../ffi/index.ts";
import { tryRemoveDirectoryAt, tryUnlinkAt } from "./change.ts";
import { readDirectory } from "./directory.ts";
import { closeFd, O, tryOpenAt } from "./open.ts";
import { fromByteString } from "./path-buffer.ts";

const ENOENT = 2;
const EISDIR = 21;
const EPERM = 1;
const ENOTDIR = 20;
const ENOTEMPTY = 39;

/**
 * Removes a name in an open directory with everything under it; nothing there is fine. Works by descriptors and
 * never follows a link, so whoever plants links meanwhile gains nothing. Synchronous.
 */
export function removeTreeAt(directory: number, name: string): void {
  const unlinked = tryUnlinkAt(directory, name);
  if (unlinked === 0 || unlinked === -ENOENT) return;
  if (unlinked !== -EISDIR && unlinked !== -EPERM) throw new KernelError(`remove ${fromByteString(name)}`, -unlinked);
  for (let attempt = 0; ; attempt++) {
    const removed = tryRemoveDirectoryAt(directory, name);
    if (removed === 0 || removed === -ENOENT) return;
    if (removed === -ENOTDIR && attempt < 10) {
      tryUnlinkAt(directory, name);
      continue;
    }
    // Another process may add files while we remove: a few more rounds, then the truth.
    if (removed !== -ENOTEMPTY || attempt === 10) throw new KernelError(`remove ${fromByteString(name)}`, -removed);
    const inner = tryOpenAt(directory, name, O.readOnly | O.directory | O.noFollow);
    if (inner === -ENOENT) return;
    if (inner < 0) throw new KernelError(`open ${fromByteString(name)}`, -inner);
    try {
      for (const child of readDirectory(inner)) removeTreeAt(inner, child);
    } finally {
      closeFd(inner);
    }
  }
}
