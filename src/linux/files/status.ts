import { addressOf, KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";
import { fromByteString, pathAddress } from "./path-buffer.ts";

/** What statx(2) says of a file. */
export type FileStatus = {
  /** Type and permission bits, as st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly linkCount: number;
  readonly inode: bigint;
  /** Device the file lives on, one number. */
  readonly device: number;
  /** For device nodes: which device. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** When the inode last changed in any way; unlike mtime no program can set it back. */
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
  /** Allocated bytes (blocks of 512). */
  readonly allocatedBytes: number;
};

/** File type bits of st_mode (inode(7)). */
export const S_IFMT = 0o170000;
/** The file type bits of st_mode (inode(7)). */
export const FILE_TYPE = {
  socket: 0o140000,
  symlink: 0o120000,
  regular: 0o100000,
  block: 0o060000,
  directory: 0o040000,
  character: 0o020000,
  fifo: 0o010000,
} as const;

const typeNames: ReadonlyMap<number, FileTypeName> = new Map([
  [FILE_TYPE.regular, "file"],
  [FILE_TYPE.directory, "directory"],
  [FILE_TYPE.symlink, "symlink"],
  [FILE_TYPE.character, "character"],
  [FILE_TYPE.block, "block"],
  [FILE_TYPE.fifo, "fifo"],
]);

/** The types of file an archive can hold. */
export type FileTypeName = "file" | "directory" | "symlink" | "character" | "block" | "fifo";

/** The type of a file by its st_mode; undefined for what no archive holds (a socket). */
export function fileTypeName(mode: number): FileTypeName | undefined {
  return typeNames.get(mode & S_IFMT);
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const AT_NO_AUTOMOUNT = 0x800;
const STATX_BASIC_STATS = 0x7ff;
const ENOENT = 2;
const ENOTDIR = 20;

const buffer = stableBuffer(256);
const address = addressOf(buffer);
const view = new DataView(buffer.buffer, buffer.byteOffset, 256);

// Offsets: struct statx of include/uapi/linux/stat.h.
function decode(): FileStatus {
  return {
    linkCount: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    inode: view.getBigUint64(32, true),
    sizeBytes: view.getUint32(40, true) + view.getUint32(44, true) * 2 ** 32,
    allocatedBytes: (view.getUint32(48, true) + view.getUint32(52, true) * 2 ** 32) * 512,
    ctimeSeconds: view.getUint32(96, true) + view.getInt32(100, true) * 2 ** 32,
    ctimeNanoseconds: view.getUint32(104, true),
    mtimeSeconds: view.getUint32(112, true) + view.getInt32(116, true) * 2 ** 32,
    mtimeNanoseconds: view.getUint32(120, true),
    deviceMajor: view.getUint32(128, true),
    deviceMinor: view.getUint32(132, true),
    device: view.getUint32(136, true) * 2 ** 20 + view.getUint32(140, true),
  };
}

/** statx(2) of a name in an open directory, symbolic links not followed; undefined when there is none. */
export function findStatusAt(directory: number, name: string): FileStatus | undefined {
  const result = trySyscall(
    SYS.statx,
    directory,
    pathAddress(name),
    AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
    STATX_BASIC_STATS,
    address,
  );
  if (result === -ENOENT || result === -ENOTDIR) return undefined;
  if (result < 0) throw new KernelError(`stat ${fromByteString(name)}`, -result);
  return decode();
}

/** Like `findStatusAt`, but throws ENOENT when there is none. */
export function statusAt(directory: number, name: string): FileStatus {
  const status = findStatusAt(directory, name);
  if (status === undefined) throw new KernelError(`stat ${fromByteString(name)}`, ENOENT);
  return status;
}

/** statx(2) of an open file. */
export function statusOf(fd: number): FileStatus {
  return statusAt(fd, "");
}
