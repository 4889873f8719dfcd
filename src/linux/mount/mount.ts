import { KernelError, SYS, syscall, trySyscall } from "../ffi/index.ts";

/** Flags of mount(2) (include/uapi/linux/mount.h). */
export const MOUNT_FLAG = {
  readOnly: 0x1,
  noSetuid: 0x2,
  noDevices: 0x4,
  noExec: 0x8,
  remount: 0x20,
  bind: 0x1000,
  move: 0x2000,
  recursive: 0x4000,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
} as const;

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const EINVAL = 22;
const ENOENT = 2;
const EBUSY = 16;

/** mount(2). Options beyond one page are cut off silently by the kernel, so they are refused here. */
export function mount(request: {
  readonly source: string;
  readonly target: string;
  readonly type?: string;
  readonly flags?: number;
  readonly options?: string;
}): void {
  const { source, target, type = "", flags = 0, options = "" } = request;
  if (Buffer.byteLength(options) >= 4095) throw new KernelError(`mount ${type} on ${target}: options too long`, EINVAL);
  syscall(`mount ${type === "" ? source : type} on ${target}`, SYS.mount, source, target, type, flags, options);
}

/**
 * Unmounts; true when something was mounted there. A busy mount is detached: it vanishes from the tree at once and
 * for good when its last user leaves (umount2(2), MNT_DETACH).
 */
export function unmount(target: string): boolean {
  let result = trySyscall(SYS.umount2, target, UMOUNT_NOFOLLOW);
  if (result === -EBUSY) result = trySyscall(SYS.umount2, target, UMOUNT_NOFOLLOW | MNT_DETACH);
  if (result === 0) return true;
  if (result === -EINVAL || result === -ENOENT) return false;
  throw new KernelError(`unmount ${target}`, -result);
}
