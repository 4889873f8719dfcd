import { closeSync, openSync } from "node:fs";
import { stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";

// include/uapi/linux/fs.h: FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, struct fsxattr.
const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
const FSXATTR_BYTES = 28;
const XFLAGS_OFFSET = 0;
const PROJECT_OFFSET = 12;
const FS_XFLAG_PROJINHERIT = 0x200;

// include/uapi/linux/dqblk_xfs.h: Q_XSETQLIM of project quotas, struct fs_disk_quota; ext4 takes these calls too.
const Q_XSETQLIM_PROJECT = (0x5804 << 8) | 2;
const Q_XGETQUOTA_PROJECT = (0x5803 << 8) | 2;
const FS_DISK_QUOTA_BYTES = 112;
const FS_DQUOT_VERSION = 1;
const FS_PROJ_QUOTA = 2;
const FS_DQ_BSOFT = 1 << 2;
const FS_DQ_BHARD = 1 << 3;
const BLOCK_BYTES = 512n;
const ENOENT = 2;

function withDirectory<Result>(path: string, use: (fd: number) => Result): Result {
  const fd = openSync(path, "r");
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** The project a file or directory counts for; 0 = none, also where the file system knows none. */
export function projectOf(path: string): number {
  return withDirectory(path, (fd) => {
    const attributes = stableBuffer(FSXATTR_BYTES);
    return trySyscall(SYS.ioctl, fd, FS_IOC_FSGETXATTR, attributes) < 0 ? 0 : attributes.readUInt32LE(PROJECT_OFFSET);
  });
}

/** Makes a directory, and everything made below it from now on, count for a project. ioctl_fs(2), quotactl(2). */
export function setProject(directory: string, project: number): void {
  withDirectory(directory, (fd) => {
    const attributes = stableBuffer(FSXATTR_BYTES);
    syscall(`get attributes of ${directory}`, SYS.ioctl, fd, FS_IOC_FSGETXATTR, attributes);
    attributes.writeUInt32LE(attributes.readUInt32LE(XFLAGS_OFFSET) | FS_XFLAG_PROJINHERIT, XFLAGS_OFFSET);
    attributes.writeUInt32LE(project, PROJECT_OFFSET);
    syscall(`set project of ${directory}`, SYS.ioctl, fd, FS_IOC_FSSETXATTR, attributes);
  });
}

/** Limits what a project may hold on the file system of `directory`; 0 = unlimited. */
export function limitProject(directory: string, project: number, sizeBytes: number): void {
  withDirectory(directory, (fd) => {
    const quota = stableBuffer(FS_DISK_QUOTA_BYTES);
    const blocks = BigInt(Math.ceil(sizeBytes / Number(BLOCK_BYTES)));
    quota.writeInt8(FS_DQUOT_VERSION, 0);
    quota.writeInt8(FS_PROJ_QUOTA, 1);
    quota.writeUInt16LE(FS_DQ_BSOFT | FS_DQ_BHARD, 2);
    quota.writeUInt32LE(project, 4);
    quota.writeBigUInt64LE(blocks, 8);
    quota.writeBigUInt64LE(blocks, 16);
    syscall(`limit project ${project} on ${directory}`, SYS.quotactl_fd, fd, Q_XSETQLIM_PROJECT, project, quota);
  });
}

/** Whether the file system of a directory counts projects and enforces their limits (mounted with `prjquota`). */
export function hasProjectQuota(directory: string): boolean {
  return withDirectory(directory, (fd) => {
    const quota = stableBuffer(FS_DISK_QUOTA_BYTES);
    const result = trySyscall(SYS.quotactl_fd, fd, Q_XGETQUOTA_PROJECT, 0, quota);
    // ESRCH says that quotas are not on here; ENOENT that they are, and project 0 has no record yet.
    return result >= 0 || result === -ENOENT;
  });
}
