import { createHash } from "node:crypto";
import { containerOwner, type IdMapping } from "#base";
import { type IgnoreRules, noIgnoreRules } from "#formats";
import { containerAttributes } from "#images";
import {
  asFileUser,
  carriedAttributesAt,
  closeFd,
  FILE_TYPE,
  type FileStatus,
  type FileUser,
  fileTypeName,
  findStatusAt,
  fromByteString,
  KernelError,
  O,
  openDirectory,
  openInRoot,
  readDirectory,
  readLinkAt,
  S_IFMT,
  statusOf,
  toByteString,
  tryOpenInRoot,
} from "#linux";
import type { FileDigests } from "../cache/file-digests.ts";
import { baseName, joinPath, readAt, readPieces, type SourceEntry, type SourceTree } from "./tree.ts";

const noAttributes: ReadonlyMap<string, Buffer> = new Map();
const ENOENT = 2;
const ENOTDIR = 20;
const ELOOP = 40;

export type DirectoryTreeOptions = {
  /** What to leave out. @default nothing */
  readonly ignore?: IgnoreRules;
  /** Remembers digests over builds; without it every file is read. */
  readonly digests?: FileDigests | undefined;
  /** Whether to read extended attributes. @default false */
  readonly attributes?: boolean;
  /** Whose rights to files count. @default root's */
  readonly user?: FileUser | undefined;
  /** Of a container's root file system: how its owners lie on the host. @default as they are */
  readonly idMapping?: IdMapping | undefined;
};

/**
 * A directory of the host as a tree. Read lazily, and only through openat2(2) with the directory as root: neither a link
 * in it nor someone who changes it meanwhile leads outside.
 */
export function openDirectoryTree(directory: string, options: DirectoryTreeOptions = {}): SourceTree {
  const asUser = <T>(work: () => T): T => (options.user === undefined ? work() : asFileUser(options.user, work));
  const root = asUser(() => openDirectory(toByteString(directory)));
  const statuses = new WeakMap<SourceEntry, FileStatus>();
  const ignore = options.ignore ?? noIgnoreRules;

  const entryAt = (folder: number, name: string, path: string): SourceEntry | undefined => {
    const status = findStatusAt(folder, name);
    const type = status === undefined ? undefined : fileTypeName(status.mode);
    if (status === undefined || type === undefined) return undefined;
    const { uid, gid } = containerOwner(options.idMapping, status);
    const entry: SourceEntry = {
      path,
      type,
      mode: status.mode & 0o7777,
      uid,
      gid,
      sizeBytes: type === "file" ? status.sizeBytes : 0,
      mtimeSeconds: status.mtimeSeconds,
      mtimeNanoseconds: status.mtimeNanoseconds,
      linkTarget: type === "symlink" ? readLinkAt(folder, name) : "",
      deviceMajor: status.deviceMajor,
      deviceMinor: status.deviceMinor,
      attributes:
        options.attributes === true && type !== "symlink"
          ? containerAttributes(options.idMapping, carriedAttributesAt(folder, name))
          : noAttributes,
      inodeKey: type === "file" && status.linkCount > 1 ? `${status.device}:${status.inode}` : undefined,
    };
    if (type === "file" && options.digests !== undefined) statuses.set(entry, status);
    return entry;
  };

  const withFolder = <T>(path: string, work: (folder: number) => T): T | undefined => {
    const folder = tryOpenInRoot(root, path, O.path | O.directory);
    if (folder === -ENOENT || folder === -ENOTDIR || folder === -ELOOP) return undefined;
    if (folder < 0) throw new KernelError(`open ${fromByteString(path)}`, -folder);
    try {
      return work(folder);
    } finally {
      closeFd(folder);
    }
  };

  const hidden = (entry: SourceEntry): boolean => {
    if (entry.path === "" || !ignore.ignores(fromByteString(entry.path))) return false;
    // An ignored folder still shows when a "!" rule wants something inside it.
    return (
      entry.type !== "directory" ||
      !ignore.mayKeepBelow(fromByteString(entry.path)) ||
      !tree.list(entry.path).some((child) => !hidden(child))
    );
  };

  const readDigest = async (entry: SourceEntry, status: FileStatus | undefined): Promise<string> => {
    const hash = createHash("sha256");
    await readPieces(tree, entry, (bytes) => hash.update(bytes));
    const digest = hash.digest("hex");
    if (status !== undefined) options.digests?.remember(status, digest);
    return digest;
  };

  const tree: SourceTree = {
    find: (path) =>
      asUser(() => {
        if (path === "") return entryAt(root, "", "");
        const slash = path.lastIndexOf("/");
        const entry = withFolder(slash === -1 ? "" : path.slice(0, slash), (folder) =>
          entryAt(folder, baseName(path), path),
        );
        return entry === undefined || hidden(entry) ? undefined : entry;
      }),
    list: (path) =>
      asUser(() => {
        const folder = openInRoot(root, path, O.readOnly | O.directory);
        try {
          return readDirectory(folder)
            .map((name) => entryAt(folder, name, joinPath(path, name)))
            .filter((entry) => entry !== undefined)
            .filter((entry) => !hidden(entry));
        } finally {
          closeFd(folder);
        }
      }),
    digest: (entry) => {
      const status = statuses.get(entry);
      const known = status === undefined ? undefined : options.digests?.find(status);
      return known ?? readDigest(entry, status);
    },
    open: (entry) => {
      const fd = asUser(() => openFile(root, entry));
      return { read: (buffer, position) => readAt(fd, buffer, position), close: () => closeFd(fd) };
    },
    close: () => closeFd(root),
  };
  return tree;
}

function openFile(root: number, entry: SourceEntry): number {
  const fd = openInRoot(root, entry.path, O.readOnly | O.noFollow | O.nonBlock);
  // A FIFO put in the file's place would otherwise hang or feed us.
  if ((statusOf(fd).mode & S_IFMT) === FILE_TYPE.regular) return fd;
  closeFd(fd);
  throw new KernelError(`open ${fromByteString(entry.path)}`, ENOENT, "it is no longer a regular file");
}
