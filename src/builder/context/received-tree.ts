import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { fromByteString } from "#linux";
import { errors } from "../errors.ts";
import { joinPath, readAt, type SourceEntry, type SourceTree } from "./tree.ts";
import { plainEntry } from "./plain-entry.ts";

/** A piece of a file: in memory, or in the spool file. */
type Extent = { readonly length: number } & ({ readonly bytes: Uint8Array } | { readonly offset: number });

type Node = { entry: SourceEntry; content: Content | undefined; readonly children: Map<string, Node> };

type Content = { readonly extents: Extent[]; sizeBytes: number; digest: string };

/** A file that contents of several trees are in, one after the other; it is closed when nobody holds it any more. */
export type SpoolFile = {
  readonly fd: number;
  /** Where the next content goes. */
  end: number;
  hold(): void;
  release(): void;
};

/** The content of a file in a `SpoolFile`. */
export type KeptContent = {
  readonly pieces: readonly { readonly offset: number; readonly length: number }[];
  readonly sizeBytes: number;
  readonly digest: string;
};

/** A tree that is filled by somebody who sends it piece by piece: names first, contents in any order. */
export type ReceivedTree = {
  /** The tree; complete once all its contents are. Close it also when receiving fails. */
  readonly tree: SourceTree;
  /** Adds an entry whose folder came before it. `linkTarget` of a file names an earlier file that it is a second name of. */
  add(entry: Omit<SourceEntry, "inodeKey">): void;
  /** Takes the content of a file, in order; several may be under way. */
  content(path: string): { write(bytes: Uint8Array): void; end(): void };
  /** Gives a file a content that its spool file has already. */
  reuse(path: string, content: KeptContent): void;
  /** The files whose contents are in the spool file, with them. */
  contents(): Iterable<readonly [SourceEntry, KeptContent]>;
};

/** How a received tree keeps its contents. */
export type ReceivedTreeOptions = {
  /** File for what memory should not hold; removed at once, gone with `close`. */
  readonly spoolPath: string;
  /** Bytes of content kept in memory. @default 32 MiB */
  readonly memoryBytes?: number | undefined;
  /** A file to put all contents into. @default one of its own, for what memory does not hold */
  readonly spool?: SpoolFile | undefined;
};

/**
 * Makes an empty tree. Nothing of it touches the file system but one nameless spool file, so whatever names and links a
 * sender makes up lead nowhere. The most a file may hold is what the sender announced.
 */
export function createReceivedTree(options: ReceivedTreeOptions): ReceivedTree {
  const root: Node = { entry: plainEntry("", "directory"), content: undefined, children: new Map() };
  const spool =
    options.spool === undefined
      ? createSpool(options.spoolPath, options.memoryBytes ?? 32 * 1024 * 1024)
      : joinSpool(options.spool);
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = root;
    if (path !== "") for (const part of path.split("/")) node = node?.children.get(part);
    return node;
  };

  return {
    tree: {
      find: (path) => find(path)?.entry,
      list: (path) =>
        [...(find(path)?.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, child]) => child.entry),
      digest: (entry) => find(entry.path)?.content?.digest ?? createHash("sha256").digest("hex"),
      open: (entry) => {
        const content = find(entry.path)?.content;
        return {
          read: (buffer, position) => (content === undefined ? 0 : readExtents(content, buffer, position, spool)),
          close: () => {},
        };
      },
      close: () => spool.close(),
    },
    add: (entry) => {
      const parts = entry.path.split("/");
      if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) {
        throw errors["build-context-invalid"](`${JSON.stringify(fromByteString(entry.path))} is no path below it`);
      }
      const name = parts.pop() ?? "";
      const folder = find(parts.join("/"));
      if (folder === undefined || folder.entry.type !== "directory") {
        throw errors["build-context-invalid"](`${JSON.stringify(fromByteString(entry.path))} came before its folder`);
      }
      if (entry.type === "file" && entry.linkTarget !== "") {
        const target = find(entry.linkTarget);
        if (target === undefined || target.entry.type !== "file") {
          throw errors["build-context-invalid"](
            `${JSON.stringify(fromByteString(entry.path))} links to ${JSON.stringify(fromByteString(entry.linkTarget))}, which is no file before it`,
          );
        }
        const inodeKey = target.entry.inodeKey ?? target.entry.path;
        target.entry = { ...target.entry, inodeKey };
        const path = joinPath(folder.entry.path, name);
        // Its content may still be on its way; both names hold the same object.
        target.content ??= { extents: [], sizeBytes: 0, digest: "" };
        folder.children.set(name, { entry: { ...target.entry, path }, content: target.content, children: new Map() });
        return;
      }
      folder.children.set(name, { entry: { ...entry, inodeKey: undefined }, content: undefined, children: new Map() });
    },
    content: (path) => {
      const node = find(path);
      if (node === undefined || node.entry.type !== "file") {
        throw errors["build-context-invalid"](`${JSON.stringify(fromByteString(path))} is no file of it`);
      }
      const content: Content = (node.content ??= { extents: [], sizeBytes: 0, digest: "" });
      const limit = node.entry.sizeBytes;
      const hash: Hash = createHash("sha256");
      return {
        write: (bytes) => {
          if (content.sizeBytes + bytes.length > limit) {
            throw errors["build-context-invalid"](
              `${JSON.stringify(fromByteString(path))} grew while it was sent: it was announced with ${limit} bytes`,
            );
          }
          hash.update(bytes);
          content.sizeBytes += bytes.length;
          spool.keep(content.extents, bytes);
        },
        end: () => {
          content.digest = hash.digest("hex");
          // A file that shrank on its way is what arrived of it, under each of its names.
          if (content.sizeBytes !== limit) {
            for (const holder of holdersOf(root, content))
              holder.entry = { ...holder.entry, sizeBytes: content.sizeBytes };
          }
        },
      };
    },
    reuse: (path, { pieces, sizeBytes, digest }) => {
      const node = find(path);
      if (node === undefined) return;
      // Its other names may have come before.
      node.content ??= { extents: [], sizeBytes: 0, digest: "" };
      node.content.extents.push(...pieces);
      Object.assign(node.content, { sizeBytes, digest });
    },
    contents: () => contentsOf(root),
  };
}

function* contentsOf(node: Node): Generator<readonly [SourceEntry, KeptContent]> {
  const { entry, content } = node;
  if (content !== undefined && content.digest !== "") {
    const pieces = content.extents.flatMap((extent) => ("offset" in extent ? [extent] : []));
    yield [entry, { pieces, sizeBytes: content.sizeBytes, digest: content.digest }];
  }
  for (const child of node.children.values()) yield* contentsOf(child);
}

function* holdersOf(node: Node, content: Content): Generator<Node> {
  if (node.content === content) yield node;
  for (const child of node.children.values()) yield* holdersOf(child, content);
}

function readExtents(content: Content, buffer: Uint8Array, position: number, spool: Spool): number {
  let start = 0;
  for (const extent of content.extents) {
    const within = position - start;
    if (within < extent.length) {
      const length = Math.min(buffer.length, extent.length - within);
      if ("bytes" in extent) {
        buffer.set(extent.bytes.subarray(within, within + length));
        return length;
      }
      return spool.read(buffer.subarray(0, length), extent.offset + within);
    }
    start += extent.length;
  }
  return 0;
}

/** Adds to a file that others hold too. */
function joinSpool(file: SpoolFile): Spool {
  let isHeld = true;
  file.hold();
  return {
    keep: (extents, bytes) => {
      const offset = file.end;
      for (let written = 0; written < bytes.length;) {
        written += writeSync(file.fd, bytes, written, bytes.length - written, offset + written);
      }
      file.end += bytes.length;
      appendExtent(extents, offset, bytes.length);
    },
    read: (buffer, position) => readAt(file.fd, buffer, position),
    close: () => {
      if (isHeld) file.release();
      isHeld = false;
    },
  };
}

function appendExtent(extents: Extent[], offset: number, length: number): void {
  const last = extents.at(-1);
  if (last !== undefined && "offset" in last && last.offset + last.length === offset) {
    extents[extents.length - 1] = { offset: last.offset, length: last.length + length };
  } else if (length > 0) extents.push({ offset, length });
}

type Spool = {
  keep(extents: Extent[], bytes: Uint8Array): void;
  read(buffer: Uint8Array, position: number): number;
  close(): void;
};

function createSpool(path: string, memoryBytes: number): Spool {
  let fd: number | undefined;
  let end = 0;
  let held = 0;
  return {
    keep: (extents, bytes) => {
      if (bytes.length === 0) return;
      if (held + bytes.length <= memoryBytes) {
        held += bytes.length;
        // The message it came in must not be kept whole for it.
        extents.push({ bytes: Uint8Array.from(bytes), length: bytes.length });
        return;
      }
      if (fd === undefined) {
        fd = openSync(path, "wx+", 0o600);
        // Nameless from the start: a crash leaves nothing behind.
        unlinkSync(path);
      }
      const offset = end;
      while (end < offset + bytes.length) {
        const written = end - offset;
        end += writeSync(fd, bytes, written, bytes.length - written, end);
      }
      appendExtent(extents, offset, bytes.length);
    },
    read: (buffer, position) => (fd === undefined ? 0 : readAt(fd, buffer, position)),
    close: () => {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      held = memoryBytes;
    },
  };
}
