import {
  closeFd,
  FILE_TYPE,
  findAttributeAt,
  findStatusAt,
  O,
  openDirectory,
  readDirectory,
  S_IFMT,
  toByteString,
  tryOpenInRoot,
  tryRemoveDirectoryAt,
  tryUnlinkAt,
} from "#linux";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { canonicalPath } from "../context/tree.ts";

/**
 * What the runtime mounts over in every container. Where an image lacks one, the runtime makes an empty stand-in, which
 * is no change of the step's: Docker keeps them in a layer of their own, we take them out of the step's.
 */
const mountPoints: readonly string[] = [
  "dev",
  "proc",
  "sys",
  "etc/hosts",
  "etc/hostname",
  "etc/resolv.conf",
  "etc",
  "run/.containerenv",
  ".dockerenv",
];

type Folder = {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
};

/** What stood at the mount points before a step. */
export type MountPointRecord = {
  /** Deepest first. */
  readonly missing: readonly string[];
  /** The folders above those, as they were; deepest first. */
  readonly folders: ReadonlyMap<string, Folder>;
};

/**
 * Notes, in a mounted root, which mount points are missing.
 * @param targets absolute paths of the step's own mounts
 */
export function recordMountPoints(rootfs: string, targets: readonly string[] = []): MountPointRecord {
  const root = openDirectory(toByteString(rootfs));
  try {
    const own = targets.length === 0 ? [] : realPaths(rootfs, targets);
    const paths = byDepth([...new Set([...mountPoints.map(toByteString), ...own.flatMap(withFolders)])]);
    const missing = paths.filter((path) => {
      const fd = tryOpenInRoot(root, path, O.path | O.noFollow);
      if (fd >= 0) closeFd(fd);
      return fd < 0;
    });
    const folders = new Map<string, Folder>();
    for (const path of byDepth([...new Set(missing.flatMap((below) => withFolders(below).slice(0, -1)))])) {
      const folder = folderAt(root, path);
      if (folder !== undefined) folders.set(path, folder);
    }
    return { missing, folders };
  } finally {
    closeFd(root);
  }
}

/** Links on the way to a target are followed, as the runtime follows them. */
function realPaths(rootfs: string, targets: readonly string[]): string[] {
  const tree = openDirectoryTree(rootfs);
  try {
    return targets.flatMap((target) => canonicalPath(tree, toByteString(target)) ?? []).filter((path) => path !== "");
  } finally {
    tree.close();
  }
}

/** "a/b/c" with "a" and "a/b" before it. */
function withFolders(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function byDepth(paths: readonly string[]): string[] {
  return paths.toSorted((a, b) => b.split("/").length - a.split("/").length);
}

/**
 * Takes the stand-ins that are still empty out of a step's changes, and then the folders that changed for nothing else.
 * @param changes the snapshot's directory of changes (overlay's upper), unmounted
 */
export function removeMountPoints(changes: string, before: MountPointRecord): void {
  if (before.missing.length === 0) return;
  const root = openDirectory(toByteString(changes));
  try {
    for (const path of before.missing) removeStandIn(root, path);
    // Making and removing a stand-in copied the folders above up and set their times; with nothing in one there is no
    // other change, unless it has been made anew.
    for (const [path, folder] of before.folders) {
      const after = folderAt(root, path);
      const isSame = after?.mode === folder.mode && after.uid === folder.uid && after.gid === folder.gid;
      if (isSame && isEmpty(root, path) && !isOpaque(root, path)) removeStandIn(root, path);
    }
  } finally {
    closeFd(root);
  }
}

function isEmpty(root: number, path: string): boolean {
  const fd = tryOpenInRoot(root, path, O.readOnly | O.directory | O.noFollow);
  if (fd < 0) return false;
  const names = readDirectory(fd);
  closeFd(fd);
  return names.length === 0;
}

/** True when a folder hides what the layers below have there (overlayfs.rst, "whiteouts and opaque directories"). */
function isOpaque(root: number, path: string): boolean {
  return (
    withParent(root, path, (folder, name) => findAttributeAt(folder, name, "trusted.overlay.opaque")) !== undefined
  );
}

function folderAt(root: number, path: string): Folder | undefined {
  const status = withParent(root, path, (folder, name) => findStatusAt(folder, name));
  if (status === undefined || (status.mode & S_IFMT) !== FILE_TYPE.directory) return undefined;
  return { mode: status.mode, uid: status.uid, gid: status.gid };
}

function withParent<T>(root: number, path: string, work: (folder: number, name: string) => T): T | undefined {
  const slash = path.lastIndexOf("/");
  const folder = tryOpenInRoot(root, slash === -1 ? "." : path.slice(0, slash), O.path | O.directory);
  if (folder < 0) return undefined;
  try {
    return work(folder, path.slice(slash + 1));
  } finally {
    closeFd(folder);
  }
}

function removeStandIn(root: number, path: string): void {
  withParent(root, path, (folder, name) => {
    const status = findStatusAt(folder, name);
    const type = status === undefined ? undefined : status.mode & S_IFMT;
    // A directory that is not empty stays: rmdir(2) refuses it.
    if (type === FILE_TYPE.directory) tryRemoveDirectoryAt(folder, name);
    else if (type === FILE_TYPE.regular && status?.sizeBytes === 0) tryUnlinkAt(folder, name);
  });
}

/** True when a directory of changes holds nothing: the step made no layer. */
export function isUnchanged(changes: string): boolean {
  const fd = openDirectory(toByteString(changes));
  try {
    return readDirectory(fd).length === 0;
  } finally {
    closeFd(fd);
  }
}
