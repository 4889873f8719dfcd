import { readSync } from "node:fs";
import type { FileTypeName } from "#linux";

/**
 * A file that COPY may read. Paths are byte strings (`#linux`) relative to the tree's root, without leading or trailing
 * slash; "" is the root.
 */
export type SourceEntry = {
  readonly path: string;
  readonly type: FileTypeName;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Byte string; "" for anything but a symbolic link. */
  readonly linkTarget: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly attributes: ReadonlyMap<string, Buffer>;
  /** Equal for names of one file; undefined when it has one name only. */
  readonly inodeKey: string | undefined;
};

/** An open file of a tree; close it. */
export type SourceReader = {
  /** Reads into `buffer` at `position` of the file; the count, 0 at its end. */
  read(buffer: Uint8Array, position: number): number;
  close(): void;
};

/** Where COPY and ADD take files from: a build context or the root file system of a stage or image. */
export type SourceTree = {
  /** The entry at a path, symbolic links not followed; undefined when there is none (or it is ignored). */
  find(path: string): SourceEntry | undefined;
  /** The entries of a directory, sorted by name bytes. */
  list(path: string): readonly SourceEntry[];
  /** SHA-256 of a file's bytes, hex; at once when it is known, as thousands of promises take their time. */
  digest(entry: SourceEntry): Promise<string> | string;
  open(entry: SourceEntry): SourceReader;
  close(): void;
};

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A path with one more part. */
export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Parts of a path, with "." and ".." taken out; ".." never leaves the root. */
export function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

/** As many links as Linux follows in one path (path_resolution(7)). */
const maximumLinks = 40;

/**
 * Finds a path as seen from inside the tree: symbolic links are followed, the last one too, absolute ones start at the
 * tree's root and ".." stops there. Undefined when some part is missing.
 */
export function resolveInTree(tree: SourceTree, path: string): SourceEntry | undefined {
  let rest = path.split("/");
  let current: string[] = [];
  let links = 0;
  while (rest.length > 0) {
    const part = rest.shift() ?? "";
    if (part === "" || part === ".") continue;
    if (part === "..") {
      current.pop();
      continue;
    }
    const entry = tree.find([...current, part].join("/"));
    if (entry === undefined) return undefined;
    if (entry.type === "symlink") {
      if (++links > maximumLinks) return undefined;
      if (entry.linkTarget.startsWith("/")) current = [];
      rest = [...entry.linkTarget.split("/"), ...rest];
    } else if (entry.type === "directory" || rest.every((more) => more === "" || more === ".")) current.push(part);
    else return undefined;
  }
  return tree.find(current.join("/"));
}

/**
 * The path that `path` stands for inside the tree: links of what exists are followed, what does not exist stays as written.
 * Undefined for a loop of links, or when a file is used as a folder.
 */
export function canonicalPath(tree: SourceTree, path: string): string | undefined {
  const rest = path.split("/");
  let current: string[] = [];
  let links = 0;
  let exists = true;
  while (rest.length > 0) {
    const part = rest.shift() ?? "";
    if (part === "" || part === ".") continue;
    if (part === "..") {
      current.pop();
      exists = true;
      continue;
    }
    const entry: SourceEntry | undefined = exists ? tree.find([...current, part].join("/")) : undefined;
    if (entry?.type === "symlink") {
      if (++links > maximumLinks) return undefined;
      if (entry.linkTarget.startsWith("/")) current = [];
      rest.unshift(...entry.linkTarget.split("/"));
      continue;
    }
    if (entry !== undefined && entry.type !== "directory" && rest.some((more) => more !== "" && more !== ".")) {
      return undefined;
    }
    exists = entry !== undefined;
    current.push(part);
  }
  return current.join("/");
}

const chunkBytes = 1024 * 1024;
let chunk: Buffer | undefined;

/** Calls back with the pieces of a file, each valid during the call only; gives other work a turn in between. */
export async function readPieces(
  tree: SourceTree,
  entry: SourceEntry,
  piece: (bytes: Uint8Array) => void,
): Promise<void> {
  const reader = tree.open(entry);
  try {
    // One buffer serves all readers, as it is never in use across an await.
    const buffer = (chunk ??= Buffer.alloc(chunkBytes));
    for (let position = 0; ;) {
      const count = reader.read(buffer, position);
      if (count === 0) return;
      piece(buffer.subarray(0, count));
      position += count;
      if (count === chunkBytes) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } finally {
    reader.close();
  }
}

/** Reads up to a buffer's length at a position of a descriptor. */
export function readAt(fd: number, buffer: Uint8Array, position: number): number {
  return readSync(fd, buffer, 0, buffer.length, position);
}
