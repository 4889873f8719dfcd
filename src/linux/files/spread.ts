import { stableBuffer, SYS, trySyscall } from "../ffi/index.ts";
import { closeFd, openDirectory } from "./open.ts";
import { toByteString } from "./path-buffer.ts";

// include/uapi/linux/fs.h: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_TOPDIR_FL.
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_TOPDIR_FL = 0x00020000;

/**
 * Tells the file system that the directories made in this one have nothing to do with each other (`chattr +T`), so that
 * ext4 puts each, with what is made below it, where there is place: fs/ext4/ialloc.c, find_group_orlov(). False where the
 * file system knows no such thing; nothing is lost then.
 */
export function spreadDirectoriesIn(path: string): boolean {
  const fd = openDirectory(toByteString(path));
  try {
    // The kernel reads and writes an int, whatever the number of the call says.
    const flags = stableBuffer(8);
    if (trySyscall(SYS.ioctl, fd, FS_IOC_GETFLAGS, flags) < 0) return false;
    const before = flags.readUInt32LE(0);
    if ((before & FS_TOPDIR_FL) !== 0) return true;
    flags.writeUInt32LE((before | FS_TOPDIR_FL) >>> 0, 0);
    return trySyscall(SYS.ioctl, fd, FS_IOC_SETFLAGS, flags) === 0;
  } finally {
    closeFd(fd);
  }
}
