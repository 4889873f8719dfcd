import {
  closeFd,
  FILE_TYPE,
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
  readonly missing: readonly string[];
  /** /etc as it was; undefined when the image has none. */
  readonly etc: Folder | undefined;
};

/** Notes, in a mounted root, which mount points are missing. */
export function recordMountPoints(rootfs: string): MountPointRecord {
  const root = openDirectory(toByteString(rootfs));
  try {
    const missing = mountPoints.filter((path) => {
      const fd = tryOpenInRoot(root, path, O.path | O.noFollow);
      if (fd >= 0) closeFd(fd);
      return fd < 0;
    });
    return { missing, etc: folderAt(root, "etc") };
  } finally {
    closeFd(root);
  }
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
    // Making and removing a stand-in copied /etc up and set its time; with nothing in it there is no other change.
    const { etc } = before;
    const after = folderAt(root, "etc");
    if (etc === undefined || after === undefined || !before.missing.some((path) => path.startsWith("etc/"))) return;
    const fd = tryOpenInRoot(root, "etc", O.readOnly | O.directory | O.noFollow);
    if (fd < 0) return;
    const isEmpty = readDirectory(fd).length === 0;
    closeFd(fd);
    const isSame = etc.mode === after.mode && etc.uid === after.uid && etc.gid === after.gid;
    if (isEmpty && isSame) tryRemoveDirectoryAt(root, "etc");
  } finally {
    closeFd(root);
  }
}

function folderAt(root: number, name: string): Folder | undefined {
  const status = findStatusAt(root, name);
  if (status === undefined || (status.mode & S_IFMT) !== FILE_TYPE.directory) return undefined;
  return {
    mode: status.mode,
    uid: status.uid,
    gid: status.gid,
  };
}

function removeStandIn(root: number, path: string): void {
  const slash = path.lastIndexOf("/");
  const folder = tryOpenInRoot(root, slash === -1 ? "." : path.slice(0, slash), O.path | O.directory);
  if (folder < 0) return;
  try {
    const name = path.slice(slash + 1);
    const status = findStatusAt(folder, name);
    const type = status === undefined ? undefined : status.mode & S_IFMT;
    // A directory that is not empty stays: rmdir(2) refuses it.
    if (type === FILE_TYPE.directory) tryRemoveDirectoryAt(folder, name);
    else if (type === FILE_TYPE.regular && status?.sizeBytes === 0) tryUnlinkAt(folder, name);
  } finally {
    closeFd(folder);
  }
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
