import { ftruncateSync, writeSync } from "node:fs";
import { type FileOwner, hostOwner, hostRoot, type IdMapping } from "#base";
import {
  changeModeAt,
  changeModeOf,
  changeOwnerAt,
  closeFd,
  FILE_TYPE,
  type FileStatus,
  findStatusAt,
  fromByteString,
  KernelError,
  O,
  removeTreeAt,
  S_IFMT,
  setTimesAt,
  setTimesOf,
  tryLinkAt,
  tryMakeDirectoryAt,
  tryMakeNodeAt,
  tryOpenAt,
  tryOpenInRoot,
  trySetAttributeAt,
  trySetAttributeOf,
  trySymlinkAt,
} from "#linux";
import type { TarHeader } from "#wire";
import { errors } from "../errors.ts";
import { createDirectoryCache, type OpenParent } from "./directory-cache.ts";
import { cleanEntryPath, splitPath } from "./entry-path.ts";
import { hostAttribute } from "./file-capabilities.ts";
import type { Nursery } from "./nursery.ts";

/** How an archive becomes files, and where its bounds are. */
export type ExtractorOptions = {
  /** Directory that is the root for every path and every link; stays open, not closed here. */
  readonly rootFd: number;
  /** Where in that root the archive's paths start; a cleaned path. @default the root */
  readonly base?: string;
  /** "overlay": `.wh.` members become what overlayfs understands. "literal": they are files like others. */
  readonly whiteouts: "overlay" | "literal";
  /** Refuse to replace a directory by something else and the reverse (`docker cp`). @default false */
  readonly noOverwriteDirectoryNonDirectory?: boolean;
  /** Give the directory that the archive is unpacked into what the archive says of "./". @default false */
  readonly rootAttributes?: boolean;
  /** Owner of everything, whatever the archive says. */
  readonly owner?: FileOwner | undefined;
  /** Where the owners that archives and `owner` name lie on the host. @default where they say */
  readonly idMapping?: IdMapping | undefined;
  /** Where files are made that would take long to make where they belong. */
  readonly nursery?: Nursery;
  /** Called before something that is in the way is removed. */
  readonly beforeRemoval?: (path: string, status: FileStatus) => void;
};

/** Puts tar members into a directory. Nothing outside of `rootFd` can be reached, whatever the members say. */
export type Extractor = {
  /** Makes the member. For a file with payload: the path it is stored at; undefined when nothing is stored. */
  entry(header: TarHeader): string | undefined;
  /** Payload of the last member. */
  data(bytes: Uint8Array): void;
  /** So many bytes of it are a hole. */
  hole(bytes: number): void;
  end(): void;
  /** Sets the directories' times and closes what is open. */
  finish(): void;
  /** Closes what is open, after an error. */
  abort(): void;
};

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** Left-overs of aufs: no whiteouts, no files (image-spec layer.md does not know them; Docker skips them). */
const AUFS_METADATA = ".wh..wh.";
const OPAQUE_ATTRIBUTE = "trusted.overlay.opaque";
const yes = Buffer.from("y");

const EEXIST = 17;
const ENOENT = 2;
/** Failures of the machine, not of the archive: they keep their own error. */
const machineErrors = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "ENOMEM"]);
/** Extended attributes that a file system may refuse without the file being less of a file. */
const bearable = new Set([1, 22, 95]);

function isDirectory(status: FileStatus): boolean {
  return (status.mode & S_IFMT) === FILE_TYPE.directory;
}

function isWhiteoutNode(status: FileStatus): boolean {
  return (status.mode & S_IFMT) === FILE_TYPE.character && status.deviceMajor === 0 && status.deviceMinor === 0;
}

/** True for attributes that would speak to overlayfs, or bind a file to this host's SELinux policy. */
function isRefusedAttribute(name: string): boolean {
  return /^(?:trusted|user)\.overlay\./.test(name) || name === "security.selinux";
}

const nodeTypes: Readonly<Record<string, number>> = {
  character: FILE_TYPE.character,
  block: FILE_TYPE.block,
  fifo: FILE_TYPE.fifo,
};

/** See `Extractor`. The process's umask must be 0 while it works. */
export function createExtractor(options: ExtractorOptions): Extractor {
  const { rootFd, base = "", whiteouts, idMapping, beforeRemoval } = options;
  const owner = options.owner === undefined ? undefined : hostOwner(idMapping, options.owner);
  const maker = owner ?? (idMapping === undefined ? undefined : hostRoot(idMapping));
  const directories = createDirectoryCache(rootFd, {
    mode: 0o755,
    onMade: (path) => {
      if (maker !== undefined) changeOwnerAt(rootFd, path, maker.uid, maker.gid);
    },
  });
  const directoryTimes = new Map<string, { readonly seconds: number; readonly nanoseconds: number }>();
  let file: { readonly fd: number; readonly header: TarHeader; position: number } | undefined;

  const closeFile = () => {
    if (file !== undefined) closeFd(file.fd);
    file = undefined;
  };

  const pathIn = (parent: OpenParent, name: string) => (parent.canonical === "" ? name : `${parent.canonical}/${name}`);

  /** Removes what stands where a member goes; false when a directory may stay for a directory. */
  const makeWay = (
    parent: OpenParent,
    name: string,
    header: TarHeader,
  ): { readonly wasWhiteout: boolean } | undefined => {
    const status = findStatusAt(parent.fd, name);
    if (status === undefined) return { wasWhiteout: false };
    const both = isDirectory(status) && header.type === "directory";
    if (both) return undefined;
    if (options.noOverwriteDirectoryNonDirectory === true) {
      if (isDirectory(status)) throw errors.archiveTypeConflict("directory", fromByteString(name), "non-directory");
      if (header.type === "directory")
        throw errors.archiveTypeConflict("non-directory", fromByteString(name), "directory");
    }
    beforeRemoval?.(pathIn(parent, name), status);
    removeTreeAt(parent.fd, name);
    // A cached directory may have gone with it, or have been reached through it.
    const type = status.mode & S_IFMT;
    if (type === FILE_TYPE.directory || type === FILE_TYPE.symlink) directories.clear();
    return { wasWhiteout: whiteouts === "overlay" && isWhiteoutNode(status) };
  };

  /** Runs a creating call; when the name is taken, makes way (which may close the parent) and runs it again. */
  const create = (
    at: string,
    header: TarHeader,
    call: (parent: OpenParent, name: string) => number,
  ): { readonly result: number; readonly parent: OpenParent; readonly name: string; readonly wasWhiteout: boolean } => {
    const { parent: parentPath, name } = splitPath(at);
    let parent = directories.get(parentPath);
    let result = call(parent, name);
    let wasWhiteout = false;
    if (result === -EEXIST) {
      const way = makeWay(parent, name, header);
      if (way !== undefined) {
        wasWhiteout = way.wasWhiteout;
        parent = directories.get(parentPath);
        result = call(parent, name);
      }
    }
    if (result < 0 && !(result === -EEXIST && header.type === "directory")) {
      throw new KernelError(`create ${header.type}`, -result);
    }
    return { result, parent, name, wasWhiteout };
  };

  const ownerOf = (header: TarHeader): FileOwner => owner ?? hostOwner(idMapping, header);

  /** Files take after the directory they are made in where that has a default ACL (acl(5)): then only there. */
  let inherits = false;
  const openNew = (directory: number, name: string, flags: number, mode: number): number =>
    options.nursery === undefined || inherits
      ? tryOpenAt(directory, name, flags, mode)
      : options.nursery.open(directory, name, flags, mode);

  const setAttributes = (header: TarHeader, set: (name: string, value: Buffer) => number) => {
    for (const [name, value] of header.attributes) {
      if (isRefusedAttribute(name)) continue;
      if (name === "system.posix_acl_default") inherits = true;
      const result = set(name, idMapping === undefined ? value : hostAttribute(idMapping, name, value));
      if (result < 0 && !bearable.has(-result)) throw new KernelError(`set attribute ${name}`, -result);
    }
  };

  const dressDirectory = (parent: OpenParent, name: string, header: TarHeader) => {
    const { uid, gid } = ownerOf(header);
    changeOwnerAt(parent.fd, name, uid, gid);
    changeModeAt(parent.fd, name, header.mode);
    setAttributes(header, (attribute, value) => trySetAttributeAt(parent.fd, name, attribute, value));
    directoryTimes.set(name === "." ? parent.canonical : pathIn(parent, name), {
      seconds: header.mtimeSeconds,
      nanoseconds: header.mtimeNanoseconds,
    });
  };

  const dressNode = (parent: OpenParent, name: string, header: TarHeader) => {
    const { uid, gid } = ownerOf(header);
    changeOwnerAt(parent.fd, name, uid, gid);
    if (header.type !== "symlink" && (header.mode & 0o7000) !== 0) changeModeAt(parent.fd, name, header.mode);
    setAttributes(header, (attribute, value) => trySetAttributeAt(parent.fd, name, attribute, value));
    setTimesAt(parent.fd, name, header.mtimeSeconds, header.mtimeNanoseconds);
  };

  /**
   * What a hard link's header says holds for the file it shares, as with Docker (pkg/archive, createTarFile). Only what
   * differs is set: chown(2) would take capabilities away that only the file's own header has.
   */
  const dressLink = (parent: OpenParent, name: string, header: TarHeader) => {
    const status = findStatusAt(parent.fd, name);
    if (status === undefined) return;
    const { uid, gid } = ownerOf(header);
    if (status.uid !== uid || status.gid !== gid) changeOwnerAt(parent.fd, name, uid, gid);
    setAttributes(header, (attribute, value) => trySetAttributeAt(parent.fd, name, attribute, value));
    const isSymbolic = (status.mode & S_IFMT) === FILE_TYPE.symlink;
    const mode = findStatusAt(parent.fd, name)?.mode ?? status.mode;
    if (!isSymbolic && (mode & 0o7777) !== (header.mode & 0o7777)) changeModeAt(parent.fd, name, header.mode);
    setTimesAt(parent.fd, name, header.mtimeSeconds, header.mtimeNanoseconds);
  };

  const setOpaque = (parent: OpenParent, name: string) => {
    const result = trySetAttributeAt(parent.fd, name, OPAQUE_ATTRIBUTE, yes);
    if (result < 0) throw new KernelError("mark directory opaque", -result);
  };

  const whiteout = (at: string) => {
    const { parent: parentPath, name } = splitPath(at);
    if (name === OPAQUE) {
      setOpaque(directories.get(parentPath), ".");
      return;
    }
    if (name.startsWith(AUFS_METADATA)) return;
    const target = name.slice(WHITEOUT.length);
    if (target === "" || target === "." || target === "..") {
      throw errors.archiveEntryInvalid(fromByteString(at), "the whiteout names nothing");
    }
    const parent = directories.get(parentPath);
    // A whiteout hides what layers below have; what this layer itself brings stays (image-spec layer.md).
    const status = findStatusAt(parent.fd, target);
    if (status === undefined) {
      const made = tryMakeNodeAt(parent.fd, target, FILE_TYPE.character, 0, 0);
      if (made < 0) throw new KernelError("make whiteout", -made);
    } else if (isDirectory(status)) {
      setOpaque(parent, target);
    }
  };

  const make = (at: string, header: TarHeader): string | undefined => {
    switch (header.type) {
      case "file": {
        const flags = O.writeOnly | O.create | O.exclusive | O.noFollow;
        const { result, parent, name } = create(at, header, (directory, leaf) =>
          openNew(directory.fd, leaf, flags, header.mode & 0o777),
        );
        file = { fd: result, header, position: 0 };
        return pathIn(parent, name);
      }
      case "directory": {
        const made = create(at, header, (directory, leaf) =>
          tryMakeDirectoryAt(directory.fd, leaf, header.mode & 0o777),
        );
        dressDirectory(made.parent, made.name, header);
        if (made.wasWhiteout) setOpaque(made.parent, made.name);
        return undefined;
      }
      case "symlink": {
        const { parent, name } = create(at, header, (directory, leaf) =>
          trySymlinkAt(header.linkPath, directory.fd, leaf),
        );
        dressNode(parent, name, header);
        return undefined;
      }
      case "hardlink": {
        const target = cleanEntryPath(header.linkPath);
        const from = splitPath(base === "" ? target : `${base}/${target}`);
        if (target === "") throw errors.archiveEntryInvalid(fromByteString(header.path), "it links to the root");
        const link = (directory: OpenParent, leaf: string) => {
          const fromDirectory = directories.find(from.parent);
          return fromDirectory === undefined ? -ENOENT : tryLinkAt(fromDirectory.fd, from.name, directory.fd, leaf);
        };
        // Linking a name to itself is what some archivers write for duplicates: nothing to do.
        if (from.parent === splitPath(at).parent && from.name === splitPath(at).name) return undefined;
        const { parent, name } = create(at, header, link);
        dressLink(parent, name, header);
        return undefined;
      }
      case "character":
      case "block":
      case "fifo": {
        // A 0:0 device is a whiteout to overlayfs; only our own whiteouts may be that.
        if (header.type === "character" && header.deviceMajor === 0 && header.deviceMinor === 0) return undefined;
        const type = nodeTypes[header.type] as number;
        const { parent, name } = create(at, header, (directory, leaf) =>
          tryMakeNodeAt(directory.fd, leaf, type | (header.mode & 0o777), header.deviceMajor, header.deviceMinor),
        );
        dressNode(parent, name, header);
        return undefined;
      }
      default:
        return header.type satisfies never;
    }
  };

  const place = (header: TarHeader): string | undefined => {
    const path = cleanEntryPath(header.path);
    const at = base === "" ? path : path === "" ? base : `${base}/${path}`;
    if (path === "") {
      if (header.type !== "directory")
        throw errors.archiveEntryInvalid(fromByteString(header.path), "the root must be a directory");
      // `docker cp` into a directory leaves the directory itself as it is.
      if (options.rootAttributes === true) dressDirectory(directories.get(at), ".", header);
      return undefined;
    }
    if (whiteouts === "overlay" && splitPath(at).name.startsWith(WHITEOUT)) {
      whiteout(at);
      return undefined;
    }
    return make(at, header);
  };

  return {
    entry: (header) => {
      try {
        return place(header);
      } catch (error) {
        if (!(error instanceof KernelError) || machineErrors.has(error.code)) throw error;
        throw errors.archiveEntryInvalid(fromByteString(header.path).slice(0, 300), error.message);
      }
    },
    data: (bytes) => {
      if (file === undefined) return;
      for (let offset = 0; offset < bytes.length;) {
        offset += writeSync(file.fd, bytes, offset, bytes.length - offset, file.position + offset);
      }
      file.position += bytes.length;
    },
    hole: (bytes) => {
      if (file !== undefined) file.position += bytes;
    },
    end: () => {
      if (file === undefined) return;
      const { fd, header } = file;
      // A hole at the end has no bytes behind it that would make the file so long.
      if (header.isSparse === true) ftruncateSync(fd, header.sizeBytes);
      // Ownership first: chown(2) clears setuid and file capabilities.
      const { uid, gid } = ownerOf(header);
      changeOwnerAt(fd, "", uid, gid);
      if ((header.mode & 0o7000) !== 0) changeModeOf(fd, header.mode);
      if (header.attributes.size > 0) setAttributes(header, (name, value) => trySetAttributeOf(fd, name, value));
      setTimesOf(fd, header.mtimeSeconds, header.mtimeNanoseconds);
      closeFile();
    },
    finish: () => {
      closeFile();
      for (const [path, time] of [...directoryTimes].reverse()) {
        const fd = tryOpenInRoot(rootFd, path, O.readOnly | O.directory | O.noFollow);
        // Replaced by a later member.
        if (fd < 0) continue;
        setTimesOf(fd, time.seconds, time.nanoseconds);
        closeFd(fd);
      }
      directories.clear();
    },
    abort: () => {
      closeFile();
      directories.clear();
    },
  };
}
