import { addressOf, KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";
import { fromByteString, pathAddress } from "./path-buffer.ts";

const arm = process.arch === "arm64";

/** Flags of openat(2); a few have other values on arm64 (arch/arm64/include/uapi/asm/fcntl.h). */
export const O = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  create: 0o100,
  exclusive: 0o200,
  noControllingTerminal: 0o400,
  truncate: 0o1000,
  nonBlock: 0o4000,
  directory: arm ? 0o40000 : 0o200000,
  noFollow: arm ? 0o100000 : 0o400000,
  noAccessTime: 0o1000000,
  closeOnExec: 0o2000000,
  path: 0o10000000,
} as const;

/** How openat2(2) resolves a path. */
export const RESOLVE = { noMagicLinks: 0x02, noSymlinks: 0x04, beneath: 0x08, inRoot: 0x10 } as const;

/** "The current directory" for the *at calls; a path that starts with "/" ignores it. */
export const AT_FDCWD = -100;

const EINTR = 4;
const EAGAIN = 11;

const how = stableBuffer(24);
const howAddress = addressOf(how);

/** openat(2). Returns the descriptor (always close-on-exec) or -errno. `path` is a byte string. */
export function tryOpenAt(directory: number, path: string, flags: number, mode = 0): number {
  for (;;) {
    const fd = trySyscall(SYS.openat, directory, pathAddress(path), flags | O.closeOnExec, mode);
    if (fd !== -EINTR) return fd;
  }
}

/** Like `tryOpenAt`, but throws. */
export function openAt(directory: number, path: string, flags: number, mode = 0): number {
  const fd = tryOpenAt(directory, path, flags, mode);
  if (fd < 0) throw new KernelError(`open ${fromByteString(path)}`, -fd);
  return fd;
}

/**
 * openat2(2) with the directory as root: "..", absolute paths and symbolic links stay inside, and /proc's magic
 * links are refused. The only way to follow a path that a container or an image can influence. -errno on failure.
 */
export function tryOpenInRoot(root: number, path: string, flags: number, mode = 0, resolve: number = 0): number {
  how.writeBigUInt64LE(BigInt(flags | O.closeOnExec), 0);
  how.writeBigUInt64LE(BigInt(mode), 8);
  how.writeBigUInt64LE(BigInt(RESOLVE.inRoot | RESOLVE.noMagicLinks | resolve), 16);
  for (let attempt = 0; ; attempt++) {
    const fd = trySyscall(SYS.openat2, root, pathAddress(path === "" ? "." : path), howAddress, 24);
    // EAGAIN: a rename raced with ".." (openat2(2)); the kernel asks to try again.
    if (fd === -EINTR || (fd === -EAGAIN && attempt < 100)) continue;
    return fd;
  }
}

/** Like `tryOpenInRoot`, but throws. */
export function openInRoot(root: number, path: string, flags: number, mode = 0, resolve: number = 0): number {
  const fd = tryOpenInRoot(root, path, flags, mode, resolve);
  if (fd < 0) throw new KernelError(`open ${fromByteString(path)}`, -fd);
  return fd;
}

/** Opens a directory of the host by its path (a byte string). */
export function openDirectory(path: string): number {
  return openAt(AT_FDCWD, path, O.readOnly | O.directory);
}

/** close(2); errors do not matter to a descriptor that was read or has been synced. */
export function closeFd(fd: number): void {
  trySyscall(SYS.close, fd);
}

const linkTarget = stableBuffer(4096);
const linkTargetAddress = addressOf(linkTarget);

/** readlinkat(2): the target as a byte string. With an empty name, `directory` is itself an O_PATH link. */
export function readLinkAt(directory: number, name: string): string {
  const length = trySyscall(SYS.readlinkat, directory, pathAddress(name), linkTargetAddress, linkTarget.length);
  if (length < 0) throw new KernelError(`readlink ${fromByteString(name)}`, -length);
  return linkTarget.toString("latin1", 0, length);
}

/** The absolute path a descriptor was opened by, as the kernel knows it now. */
export function pathOfFd(fd: number): string {
  return readLinkAt(AT_FDCWD, `/proc/self/fd/${fd}`);
}
