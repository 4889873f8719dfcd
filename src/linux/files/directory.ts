import { addressOf, KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

const buffer = stableBuffer(64 * 1024);
const address = addressOf(buffer);

/** Reads a whole directory from its descriptor (getdents64(2)): names as byte strings, sorted by byte, without dots. */
export function readDirectory(directory: number): string[] {
  const names: string[] = [];
  trySyscall(SYS.lseek, directory, 0, 0);
  for (;;) {
    const length = trySyscall(SYS.getdents64, directory, address, buffer.length);
    if (length < 0) throw new KernelError("read directory", -length);
    if (length === 0) break;
    // struct linux_dirent64: ino u64, off s64, reclen u16, type u8, name with NUL.
    for (let offset = 0; offset < length;) {
      const recordLength = buffer.readUInt16LE(offset + 16);
      const end = buffer.indexOf(0, offset + 19);
      const name = buffer.toString("latin1", offset + 19, end);
      if (name !== "." && name !== "..") names.push(name);
      offset += recordLength;
    }
  }
  // Byte strings compare by code unit, which is by byte.
  return names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
