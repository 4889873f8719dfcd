import {
  closeFd,
  FILE_TYPE,
  findStatusAt,
  O,
  openDirectory,
  readDirectory,
  S_IFMT,
  toByteString,
  tryOpenAt,
} from "#linux";

const SLICE_MS = 8;

/** Bytes of the files below a directory (sizes, not blocks), hard links counted once. */
export async function treeSize(path: string): Promise<number> {
  const seen = new Set<bigint>();
  let total = 0;
  let sliceStart = performance.now();
  const visit = async (fd: number): Promise<void> => {
    for (const name of readDirectory(fd)) {
      if (performance.now() - sliceStart > SLICE_MS) {
        await new Promise(setImmediate);
        sliceStart = performance.now();
      }
      const status = findStatusAt(fd, name);
      if (status === undefined) continue;
      const type = status.mode & S_IFMT;
      if (type === FILE_TYPE.directory) {
        const child = tryOpenAt(fd, name, O.readOnly | O.directory | O.noFollow);
        if (child < 0) continue;
        try {
          await visit(child);
        } finally {
          closeFd(child);
        }
        continue;
      }
      if (type !== FILE_TYPE.regular && type !== FILE_TYPE.symlink) continue;
      if (status.linkCount > 1) {
        if (seen.has(status.inode)) continue;
        seen.add(status.inode);
      }
      total += status.sizeBytes;
    }
  };
  const root = openDirectory(toByteString(path));
  try {
    await visit(root);
  } finally {
    closeFd(root);
  }
  return total;
}
