import {
  closeFd,
  FILE_TYPE,
  findStatusAt,
  O,
  openDirectory,
  RESOLVE,
  S_IFMT,
  toByteString,
  tryOpenInRoot,
  tryRemoveDirectoryAt,
  tryUnlinkAt,
} from "#linux";
import { splitPath } from "../extract/entry-path.ts";

/**
 * Removes what a runtime made in a layer's directory only to mount things on it: empty files and empty directories of
 * those paths. Deepest first, so that a directory that held nothing else goes too.
 */
export function removeMountPoints(directory: string, paths: readonly string[]): void {
  const rootFd = openDirectory(toByteString(directory));
  try {
    for (const path of [...paths].sort((a, b) => b.split("/").length - a.split("/").length)) {
      const { parent, name } = splitPath(toByteString(path).replace(/^\/+|\/+$/g, ""));
      if (name === "") continue;
      const fd = tryOpenInRoot(rootFd, parent, O.path | O.directory, 0, RESOLVE.noSymlinks);
      if (fd < 0) continue;
      const status = findStatusAt(fd, name);
      const type = (status?.mode ?? 0) & S_IFMT;
      // A directory with anything in it is refused by the kernel, and stays.
      if (type === FILE_TYPE.directory) tryRemoveDirectoryAt(fd, name);
      else if (type === FILE_TYPE.regular && status?.sizeBytes === 0) tryUnlinkAt(fd, name);
      closeFd(fd);
    }
  } finally {
    closeFd(rootFd);
  }
}
