import { KernelError, SYS, trySyscall } from "../ffi/index.ts";
import {
  changeModeAt,
  changeOwnerAt,
  setTimesAt,
  setTimesOf,
  tryLinkAt,
  tryMakeDirectoryAt,
  tryMakeNodeAt,
  trySymlinkAt,
} from "./change.ts";
import { readDirectory } from "./directory.ts";
import { findAttributeAt, listAttributesAt, trySetAttributeAt } from "./extended-attributes.ts";
import { AT_FDCWD, closeFd, O, openAt, openDirectory, readLinkAt } from "./open.ts";
import { toByteString } from "./path-buffer.ts";
import { removeTreeAt } from "./remove.ts";
import { FILE_TYPE, type FileStatus, findStatusAt, S_IFMT, statusOf } from "./status.ts";

/** What a copied tree keeps of the original. */
export type CopyTreeOptions = {
  /**
   * "plain": everything as it is. "overlay-layer": the source is a layer of an overlay that is being put on top of the
   * target: whiteouts delete there, opaque directories start empty, and no overlay attribute arrives.
   * @default "plain"
   */
  readonly form?: "plain" | "overlay-layer";
  /** Copies only what this says yes to; asked for every path below the source. */
  readonly filter?: (path: string, status: FileStatus) => boolean;
  /** Who a copy belongs to. @default whom the original belongs to */
  readonly ownerOf?: ((status: FileStatus) => { readonly uid: number; readonly gid: number }) | undefined;
};

/** How long this thread is kept before others get their turn. */
const SLICE_MS = 8;
/** FICLONE of include/uapi/linux/fs.h. */
const FICLONE = 0x40049409;
const EXDEV = 18;
const ENOSYS = 38;
const EINVAL = 22;
const EOPNOTSUPP = 95;
const EEXIST = 17;

/** Copies the bytes of an open file: shared blocks where the file system can, else inside of the kernel. */
export function copyFileContents(from: number, to: number, sizeBytes: number): void {
  if (sizeBytes === 0) return;
  if (trySyscall(SYS.ioctl, to, FICLONE, from) === 0) return;
  for (let left = sizeBytes; left > 0;) {
    const copied = trySyscall(SYS.copy_file_range, from, null, to, null, Math.min(left, 2 ** 30), 0);
    if (copied === 0) return;
    if (copied > 0) {
      left -= copied;
      continue;
    }
    if (![EXDEV, ENOSYS, EINVAL, EOPNOTSUPP].includes(-copied)) throw new KernelError("copy_file_range", -copied);
    copyByReading(from, to);
    return;
  }
}

function copyByReading(from: number, to: number): void {
  const buffer = Buffer.from(new ArrayBuffer(1024 * 1024));
  for (;;) {
    const length = trySyscall(SYS.read, from, buffer, buffer.length);
    if (length < 0) throw new KernelError("read", -length);
    if (length === 0) return;
    for (let offset = 0; offset < length;) {
      const written = trySyscall(SYS.write, to, buffer.subarray(offset, length), length - offset);
      if (written < 0) throw new KernelError("write", -written);
      offset += written;
    }
  }
}

function copyAttributes(fromFd: number, fromName: string, toFd: number, toName: string, withOverlay: boolean): void {
  for (const attribute of listAttributesAt(fromFd, fromName)) {
    if (/^(?:trusted|user)\.overlay\./.test(attribute) && !(withOverlay && attribute === "trusted.overlay.opaque"))
      continue;
    const value = findAttributeAt(fromFd, fromName, attribute);
    if (value !== undefined) trySetAttributeAt(toFd, toName, attribute, value);
  }
}

/**
 * Copies a directory tree onto another (made when absent) with owners, modes, times, extended attributes, devices,
 * FIFOs and hard links; sockets are left out. Existing directories are kept and dressed anew, anything else in the
 * way is replaced. Follows no link. Gives other work its turn every few milliseconds.
 * @param source absolute path of a directory
 */
export async function copyTree(source: string, target: string, options: CopyTreeOptions = {}): Promise<void> {
  const overlay = options.form === "overlay-layer";
  const links = new Map<string, string>();
  let sliceStart = performance.now();
  const sourceFd = openDirectory(toByteString(source));
  const made = tryMakeDirectoryAt(AT_FDCWD, toByteString(target), 0o755);
  if (made < 0 && made !== -EEXIST) {
    closeFd(sourceFd);
    throw new KernelError(`mkdir ${target}`, -made);
  }
  const targetFd = openDirectory(toByteString(target));

  const dress = (from: number, to: number, name: string, status: FileStatus) => {
    const { uid, gid } = options.ownerOf === undefined ? status : options.ownerOf(status);
    changeOwnerAt(to, name, uid, gid);
    if ((status.mode & S_IFMT) !== FILE_TYPE.symlink) changeModeAt(to, name, status.mode);
    copyAttributes(from, name, to, name, !overlay);
  };

  const visit = async (fromFd: number, toFd: number, prefix: string): Promise<void> => {
    for (const name of readDirectory(fromFd)) {
      if (performance.now() - sliceStart > SLICE_MS) {
        await new Promise(setImmediate);
        sliceStart = performance.now();
      }
      const status = findStatusAt(fromFd, name);
      const path = prefix === "" ? name : `${prefix}/${name}`;
      if (status === undefined || options.filter?.(path, status) === false) continue;
      const type = status.mode & S_IFMT;
      if (type === FILE_TYPE.socket) continue;
      const existing = findStatusAt(toFd, name);
      const isOpaque =
        overlay &&
        type === FILE_TYPE.directory &&
        findAttributeAt(fromFd, name, "trusted.overlay.opaque")?.toString() === "y";
      const mayStay = type === FILE_TYPE.directory && ((existing?.mode ?? 0) & S_IFMT) === FILE_TYPE.directory;
      if (existing !== undefined && (!mayStay || isOpaque)) removeTreeAt(toFd, name);
      if (overlay && type === FILE_TYPE.character && status.deviceMajor === 0 && status.deviceMinor === 0) continue;

      if (type === FILE_TYPE.directory) {
        tryMakeDirectoryAt(toFd, name, 0o700);
        const childFrom = openAt(fromFd, name, O.readOnly | O.directory | O.noFollow);
        const childTo = openAt(toFd, name, O.readOnly | O.directory | O.noFollow);
        try {
          await visit(childFrom, childTo, path);
        } finally {
          closeFd(childFrom);
          closeFd(childTo);
        }
        dress(fromFd, toFd, name, status);
        setTimesAt(toFd, name, status.mtimeSeconds, status.mtimeNanoseconds);
        continue;
      }
      const identity = `${status.device}:${status.inode}`;
      const first = status.linkCount > 1 ? links.get(identity) : undefined;
      // The first name lies in the target, whose directories are ours: no link of a stranger is on the way.
      if (first !== undefined && tryLinkAt(targetFd, first, toFd, name) === 0) continue;
      if (status.linkCount > 1) links.set(identity, path);
      if (type === FILE_TYPE.regular) {
        const from = openAt(fromFd, name, O.readOnly | O.noFollow | O.nonBlock);
        const to = openAt(toFd, name, O.writeOnly | O.create | O.exclusive | O.noFollow, 0o600);
        try {
          copyFileContents(from, to, statusOf(from).sizeBytes);
          dress(fromFd, toFd, name, status);
          setTimesOf(to, status.mtimeSeconds, status.mtimeNanoseconds);
        } finally {
          closeFd(from);
          closeFd(to);
        }
        continue;
      }
      const result =
        type === FILE_TYPE.symlink
          ? trySymlinkAt(readLinkAt(fromFd, name), toFd, name)
          : tryMakeNodeAt(toFd, name, type | 0o600, status.deviceMajor, status.deviceMinor);
      if (result < 0) throw new KernelError(`copy ${path}`, -result);
      dress(fromFd, toFd, name, status);
      setTimesAt(toFd, name, status.mtimeSeconds, status.mtimeNanoseconds);
    }
  };

  try {
    const status = statusOf(sourceFd);
    await visit(sourceFd, targetFd, "");
    const { uid, gid } = options.ownerOf === undefined ? status : options.ownerOf(status);
    changeOwnerAt(targetFd, ".", uid, gid);
    changeModeAt(targetFd, ".", status.mode);
    copyAttributes(sourceFd, ".", targetFd, ".", !overlay);
    setTimesAt(targetFd, ".", status.mtimeSeconds, status.mtimeNanoseconds);
  } finally {
    closeFd(sourceFd);
    closeFd(targetFd);
  }
}
