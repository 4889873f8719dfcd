import { addressOf, KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";
import { fromByteString, pathAddress } from "./path-buffer.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const AT_REMOVEDIR = 0x200;
const RENAME_NOREPLACE = 1;

const O_PATH_NOFOLLOW = 0o10000000 | 0o2000000 | (process.arch === "arm64" ? 0o100000 : 0o400000);

function checked(result: number, what: string, name: string): void {
  if (result < 0) throw new KernelError(`${what} ${fromByteString(name)}`, -result);
}

/** mkdirat(2). Returns 0 or -errno; the mode passes through the umask. */
export function tryMakeDirectoryAt(directory: number, name: string, mode: number): number {
  return trySyscall(SYS.mkdirat, directory, pathAddress(name), mode);
}

/** mknodat(2): `mode` holds the type bits too. Returns 0 or -errno. */
export function tryMakeNodeAt(directory: number, name: string, mode: number, major: number, minor: number): number {
  // makedev(3): the encoding glibc and the kernel's new_encode_dev share.
  const device = ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & 0xfff00) << 12);
  return trySyscall(SYS.mknodat, directory, pathAddress(name), mode, device >>> 0);
}

/** symlinkat(2). Returns 0 or -errno. */
export function trySymlinkAt(target: string, directory: number, name: string): number {
  return trySyscall(SYS.symlinkat, pathAddress(target, 0), directory, pathAddress(name, 1));
}

/** linkat(2), never following a link. Returns 0 or -errno. */
export function tryLinkAt(fromDirectory: number, from: string, toDirectory: number, to: string): number {
  return trySyscall(SYS.linkat, fromDirectory, pathAddress(from, 0), toDirectory, pathAddress(to, 1), 0);
}

/** unlinkat(2) of a file. Returns 0 or -errno. */
export function tryUnlinkAt(directory: number, name: string): number {
  return trySyscall(SYS.unlinkat, directory, pathAddress(name), 0);
}

/** unlinkat(2) of an empty directory. Returns 0 or -errno. */
export function tryRemoveDirectoryAt(directory: number, name: string): number {
  return trySyscall(SYS.unlinkat, directory, pathAddress(name), AT_REMOVEDIR);
}

/** renameat2(2). With `replace` false an existing target is EEXIST. Returns 0 or -errno. */
export function tryRenameAt(
  fromDirectory: number,
  from: string,
  toDirectory: number,
  to: string,
  options: { readonly replace: boolean },
): number {
  const flags = options.replace ? 0 : RENAME_NOREPLACE;
  return trySyscall(SYS.renameat2, fromDirectory, pathAddress(from, 0), toDirectory, pathAddress(to, 1), flags);
}

/** As `tryRenameAt`; throws when it fails. */
export function renameAt(
  fromDirectory: number,
  from: string,
  toDirectory: number,
  to: string,
  options: { readonly replace: boolean } = { replace: true },
): void {
  checked(tryRenameAt(fromDirectory, from, toDirectory, to, options), "rename", from);
}

/** fchownat(2) of a name, links not followed; with an empty name, of the descriptor itself. */
export function changeOwnerAt(directory: number, name: string, uid: number, gid: number): void {
  checked(
    trySyscall(SYS.fchownat, directory, pathAddress(name), uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH),
    "chown",
    name,
  );
}

/** fchmod(2) of an open file. */
export function changeModeOf(fd: number, mode: number): void {
  checked(trySyscall(SYS.fchmod, fd, mode & 0o7777), "chmod", "");
}

/**
 * Sets permission bits of a name that may be any type but a symbolic link, which is left alone. Older kernels have
 * no chmod that does not follow links, so the inode is pinned by O_PATH first (fchmodat(2), NOTES).
 */
export function changeModeAt(directory: number, name: string, mode: number): void {
  const fd = trySyscall(SYS.openat, directory, pathAddress(name), O_PATH_NOFOLLOW, 0);
  checked(fd, "open", name);
  try {
    const result = trySyscall(SYS.fchmodat, -100, pathAddress(`/proc/self/fd/${fd}`), mode & 0o7777);
    if (result < 0 && result !== -40 && result !== -95) checked(result, "chmod", name);
  } finally {
    trySyscall(SYS.close, fd);
  }
}

const times = stableBuffer(32);
const timesAddress = addressOf(times);
const timesView = new DataView(times.buffer, times.byteOffset, 32);

function writeTime(offset: number, seconds: number): void {
  const whole = Math.floor(seconds);
  timesView.setUint32(offset, whole >>> 0, true);
  timesView.setInt32(offset + 4, Math.floor(whole / 2 ** 32), true);
}

function fillTimes(seconds: number, nanoseconds: number): void {
  writeTime(0, seconds);
  writeTime(16, seconds);
  timesView.setUint32(8, nanoseconds, true);
  timesView.setUint32(12, 0, true);
  timesView.setUint32(24, nanoseconds, true);
  timesView.setUint32(28, 0, true);
}

/** utimensat(2): access and modification time of a name, links not followed. */
export function setTimesAt(directory: number, name: string, seconds: number, nanoseconds: number): void {
  fillTimes(seconds, nanoseconds);
  checked(
    trySyscall(SYS.utimensat, directory, pathAddress(name), timesAddress, AT_SYMLINK_NOFOLLOW),
    "set times of",
    name,
  );
}

/** futimens(3): access and modification time of an open file. */
export function setTimesOf(fd: number, seconds: number, nanoseconds: number): void {
  fillTimes(seconds, nanoseconds);
  checked(trySyscall(SYS.utimensat, fd, null, timesAddress, 0), "set times", "");
}

/** syncfs(2): everything written to the file system that holds `fd` is on disk when it returns. Blocks. */
export function syncFileSystemOf(fd: number): void {
  checked(trySyscall(SYS.syncfs, fd), "syncfs", "");
}
