import { KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";
import { MOUNT_FLAG } from "./mount.ts";

const OPEN_TREE_CLONE = 1;
const O_CLOEXEC = 0o2000000;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOUNT_ATTR_RDONLY = 1;

/**
 * A copy of the mount at a path, attached nowhere and private: what is mounted on it later shows up nowhere else
 * (open_tree(2), mount_setattr(2)). Close the descriptor to drop it.
 */
export function cloneMountTree(
  path: string,
  options: { readonly recursive?: boolean; readonly readOnly?: boolean } = {},
): number {
  const recursive = options.recursive === true ? AT_RECURSIVE : 0;
  const fd = trySyscall(SYS.open_tree, -100, path, OPEN_TREE_CLONE | O_CLOEXEC | recursive);
  if (fd < 0) throw new KernelError(`open_tree ${path}`, -fd);
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attributes = stableBuffer(32);
  attributes.writeBigUInt64LE(BigInt(options.readOnly === true ? MOUNT_ATTR_RDONLY : 0), 0);
  attributes.writeBigUInt64LE(BigInt(MOUNT_FLAG.private), 16);
  const set = trySyscall(SYS.mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes, 32);
  if (set < 0) {
    trySyscall(SYS.close, fd);
    throw new KernelError(`mount_setattr ${path}`, -set);
  }
  return fd;
}

/** Attaches a detached mount to an open directory or file, given by descriptor: no path is walked again. */
export function attachMountTree(treeFd: number, targetFd: number): void {
  const moved = trySyscall(SYS.move_mount, treeFd, "", targetFd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  if (moved < 0) throw new KernelError("move_mount", -moved);
}

/** Detaches everything mounted at and below a path at once, whoever still uses it (umount2(2), MNT_DETACH). */
export function detachMounts(target: string): void {
  const MNT_DETACH = 2;
  const UMOUNT_NOFOLLOW = 8;
  const result = trySyscall(SYS.umount2, target, MNT_DETACH | UMOUNT_NOFOLLOW);
  if (result < 0 && result !== -22 && result !== -2) throw new KernelError(`unmount ${target}`, -result);
}
