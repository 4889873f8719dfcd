import { readSync } from "node:fs";
import { containerOwner, type IdMapping } from "#base";
import {
  carriedAttributesAt,
  closeFd,
  FILE_TYPE,
  type FileStatus,
  fileTypeName,
  findAttributeAt,
  findStatusAt,
  O,
  openAt,
  readDirectory,
  readLinkAt,
  S_IFMT,
  statusOf,
  tryOpenAt,
} from "#linux";
import { encodeTarHeader, plainTarHeader, tarEnd, type TarEntryType, type TarHeader, tarPaddingOf } from "#wire";
import { containerAttributes } from "../extract/file-capabilities.ts";

/** A piece of a tar that is being made: bytes to copy, or an open file whose first `sizeBytes` come next. */
export type TarPiece =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly path: string; readonly fd: number; readonly sizeBytes: number };

export type TreeTarOptions = {
  /** Open directory that holds the tree or the file. */
  readonly directoryFd: number;
  /** What of it: "" the directory's contents, else one name in it with everything below. */
  readonly name: string;
  /** How that name is called in the archive; "" leaves out the directory itself, "/" and "." make it "/" and "./". */
  readonly as: string;
  /** "overlay": whiteout nodes and opaque directories become `.wh.` members. "literal": nothing is special. */
  readonly whiteouts: "overlay" | "literal";
  /** What is mounted in the tree, by its path from `directoryFd`: an open directory, or one name in it. */
  readonly mounts?:
    | ReadonlyMap<string, { readonly directoryFd: number; readonly file?: string | undefined }>
    | undefined;
  /** How the tree's owners lie on the host; the archive has them as containers do. @default as on the host */
  readonly idMapping?: IdMapping | undefined;
};

function headerOf(path: string, type: TarEntryType, status: FileStatus, mapping: IdMapping | undefined): TarHeader {
  const { uid, gid } = containerOwner(mapping, status);
  return plainTarHeader({
    path: type === "directory" && !path.endsWith("/") ? `${path}/` : path,
    type,
    mode: status.mode & 0o7777,
    uid,
    gid,
    sizeBytes: type === "file" ? status.sizeBytes : 0,
    mtimeSeconds: status.mtimeSeconds,
    deviceMajor: status.deviceMajor,
    deviceMinor: status.deviceMinor,
  });
}

function bytes(data: Uint8Array): TarPiece {
  return { kind: "bytes", bytes: data };
}

/**
 * Makes a tar of a directory tree, piece by piece, in sorted order. Deterministic: equal trees give equal bytes (times
 * in whole seconds, owners by number). Sockets are left out as tar does. Every step is by descriptor and follows no
 * link, so the tree may be a running container's. The consumer must read each file before it takes the next piece.
 */
export function* treeAsTar(options: TreeTarOptions): Generator<TarPiece> {
  const links = new Map<string, string>();
  const overlay = options.whiteouts === "overlay";
  const { idMapping } = options;
  const attributesAt = (directoryFd: number, name: string) =>
    containerAttributes(idMapping, carriedAttributesAt(directoryFd, name));

  /** What has a name in a directory of the tree: what is mounted there, or else what lies there. */
  function* shown(directoryFd: number, name: string, path: string, displayPath: string): Generator<TarPiece> {
    const mount = options.mounts?.get(path);
    if (mount === undefined) yield* member(directoryFd, name, path, displayPath);
    else if (mount.file !== undefined) yield* member(mount.directoryFd, mount.file, path, displayPath);
    else yield* wholeDirectory(mount.directoryFd, path, displayPath);
  }

  function* wholeDirectory(directoryFd: number, path: string, displayPath: string): Generator<TarPiece> {
    // A descriptor of our own: reading a directory moves its position.
    const fd = openAt(directoryFd, ".", O.readOnly | O.directory);
    try {
      yield* directory(fd, "", path, displayPath, statusOf(fd));
    } finally {
      closeFd(fd);
    }
  }

  /** The names in a directory, with those that are only mounted there. */
  function namesIn(fd: number, path: string): readonly string[] {
    const names = readDirectory(fd);
    if (options.mounts === undefined) return names;
    const prefix = path === "" ? "" : `${path}/`;
    const mounted = [...options.mounts.keys()].flatMap((mount) => {
      const name = mount.startsWith(prefix) ? mount.slice(prefix.length) : "";
      return name === "" || name.includes("/") || names.includes(name) ? [] : [name];
    });
    return mounted.length === 0 ? names : [...names, ...mounted].toSorted();
  }

  function* member(directoryFd: number, name: string, path: string, displayPath: string): Generator<TarPiece> {
    const status = findStatusAt(directoryFd, name);
    // Gone since the directory was read.
    if (status === undefined) return;
    const type = fileTypeName(status.mode);
    if (type === undefined) return;
    if (type === "directory") {
      yield* directory(directoryFd, name, path, displayPath, status);
      return;
    }
    if (overlay && type === "character" && status.deviceMajor === 0 && status.deviceMinor === 0) {
      const slash = displayPath.lastIndexOf("/") + 1;
      const whiteoutPath = `${displayPath.slice(0, slash)}.wh.${displayPath.slice(slash)}`;
      yield bytes(encodeTarHeader(plainTarHeader({ path: whiteoutPath, type: "file", mode: 0o600 })));
      return;
    }
    const identity = `${status.device}:${status.inode}`;
    const first = status.linkCount > 1 ? links.get(identity) : undefined;
    if (first !== undefined) {
      yield bytes(encodeTarHeader({ ...headerOf(displayPath, "hardlink", status, idMapping), linkPath: first }));
      return;
    }
    if (status.linkCount > 1) links.set(identity, displayPath);
    const attributes = attributesAt(directoryFd, name);
    if (type !== "file") {
      const linkPath = type === "symlink" ? readLinkAt(directoryFd, name) : "";
      yield bytes(encodeTarHeader({ ...headerOf(displayPath, type, status, idMapping), linkPath, attributes }));
      return;
    }
    // O_NONBLOCK: it may have become a FIFO since.
    const fd = tryOpenAt(directoryFd, name, O.readOnly | O.noFollow | O.nonBlock);
    if (fd < 0) return;
    try {
      const opened = statusOf(fd);
      if ((opened.mode & S_IFMT) !== FILE_TYPE.regular) return;
      yield bytes(encodeTarHeader({ ...headerOf(displayPath, "file", opened, idMapping), attributes }));
      if (opened.sizeBytes === 0) return;
      yield { kind: "file", path, fd, sizeBytes: opened.sizeBytes };
      const padding = tarPaddingOf(opened.sizeBytes);
      if (padding > 0) yield bytes(new Uint8Array(padding));
    } finally {
      closeFd(fd);
    }
  }

  function* directory(
    parentFd: number,
    name: string,
    path: string,
    displayPath: string,
    status: FileStatus,
  ): Generator<TarPiece> {
    const fd = name === "" ? parentFd : tryOpenAt(parentFd, name, O.readOnly | O.directory | O.noFollow);
    if (fd < 0) return;
    try {
      if (displayPath !== "") {
        const attributes = attributesAt(fd, ".");
        yield bytes(encodeTarHeader({ ...headerOf(displayPath, "directory", status, idMapping), attributes }));
      }
      const prefix = displayPath === "" || displayPath.endsWith("/") ? displayPath : `${displayPath}/`;
      const inside = (child: string) => `${prefix}${child}`;
      if (overlay && findAttributeAt(fd, ".", "trusted.overlay.opaque")?.toString() === "y") {
        yield bytes(encodeTarHeader(plainTarHeader({ path: inside(".wh..wh..opq"), type: "file", mode: 0o600 })));
      }
      for (const entry of namesIn(fd, path)) {
        yield* shown(fd, entry, path === "" ? entry : `${path}/${entry}`, inside(entry));
      }
    } finally {
      if (name !== "") closeFd(fd);
    }
  }

  if (options.name === "") {
    yield* wholeDirectory(options.directoryFd, "", options.as);
  } else {
    yield* member(options.directoryFd, options.name, options.name, options.as);
  }
  yield bytes(tarEnd);
}

/** How much is read of a file at once, and how much is gathered before it is handed on. */
const CHUNK = 256 * 1024;

/** Reads exactly `sizeBytes` of an open file; a file that shrank meanwhile is filled up with zeros, as GNU tar does. */
export function* readExactly(fd: number, sizeBytes: number): Generator<Buffer> {
  for (let position = 0; position < sizeBytes;) {
    const want = Math.min(CHUNK, sizeBytes - position);
    const buffer = Buffer.allocUnsafeSlow(want);
    const length = readSync(fd, buffer, 0, want, position);
    if (length === 0) buffer.fill(0);
    const piece = length === 0 ? buffer : buffer.subarray(0, length);
    position += piece.length;
    yield piece;
  }
}

/** Joins small pieces into larger ones, so that the reader's per-piece cost does not count. */
export function* gathered(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < CHUNK) continue;
    yield waiting.length === 1 ? piece : Buffer.concat(waiting);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting);
}

function* flattened(pieces: Iterable<TarPiece>): Generator<Uint8Array> {
  for (const piece of pieces) {
    if (piece.kind === "bytes") yield piece.bytes;
    else yield* readExactly(piece.fd, piece.sizeBytes);
  }
}

/** The tree as a stream of tar bytes. */
export async function* tarOfTree(options: TreeTarOptions): AsyncGenerator<Uint8Array> {
  for (const chunk of gathered(flattened(treeAsTar(options)))) yield chunk;
}
