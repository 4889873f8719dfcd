import { createHash } from "node:crypto";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { decompress } from "#images";
import { fromByteString } from "#linux";
import { createTarParser, TarError, type TarHeader } from "#wire";
import { errors } from "../errors.ts";
import { joinPath, partsOf, readAt, type SourceEntry, type SourceTree } from "./tree.ts";
import { plainEntry } from "./plain-entry.ts";

/** Where a file's bytes are kept: in memory, or in the spool file. */
type Payload = { readonly bytes: Buffer } | { readonly offset: number };

type Node = {
  entry: SourceEntry;
  digest: string;
  payload: Payload | undefined;
  readonly children: Map<string, Node>;
};

export type ArchiveTreeOptions = {
  /** Spool file for what memory should not hold; removed (unlinked) at once, gone with `close`. */
  readonly spoolPath: string;
  /** Bytes of file content kept in memory. @default 32 MiB */
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal | undefined;
};

/** Nobody means more, and each of them is hashed. */
const maximumHoleBytes = 4 * 1024 ** 3;
const zeros = new Uint8Array(64 * 1024);

const emptyPayload: Payload = { bytes: Buffer.alloc(0) };

/**
 * Reads a build context sent as a tar archive, plain or compressed. Nothing is unpacked: an index is kept in memory, the
 * contents in memory or in one file, and digests are taken on the way. So a fully cached build writes no file, and a
 * hostile archive has no file system to play with: links are just text here.
 */
export async function readArchiveTree(
  body: AsyncIterable<Uint8Array>,
  options: ArchiveTreeOptions,
): Promise<SourceTree & { remove(path: string): void }> {
  const root = folderNode("");
  const spool = createSpool(options.spoolPath, options.memoryBytes ?? 32 * 1024 * 1024);
  let current: { readonly header: TarHeader; readonly hash: ReturnType<typeof createHash>; bytes: number } | undefined;
  let holes = 0;
  const data = (bytes: Uint8Array) => {
    if (current === undefined) return;
    current.hash.update(bytes);
    current.bytes += bytes.length;
    spool.write(bytes);
  };
  /** Holes of sparse files are zeros like others: a digest needs them all. */
  const hole = (bytes: number) => {
    holes += bytes;
    if (holes > maximumHoleBytes) throw new TarError("its sparse files have holes of more than 4 GiB");
    for (let left = bytes; left > 0; left -= zeros.length) data(zeros.subarray(0, left));
  };
  const parser = createTarParser({
    entry: (header) => {
      if (header.isSparse === true && header.sizeBytes > maximumHoleBytes * 2)
        throw new TarError("a sparse file is too large");
      current = { header, hash: createHash("sha256"), bytes: 0 };
      spool.begin(header.sizeBytes);
    },
    data,
    hole,
    end: () => {
      if (current === undefined) return;
      if (current.header.isSparse === true) hole(current.header.sizeBytes - current.bytes);
      place(root, current.header, current.hash.digest("hex"), spool.end());
      current = undefined;
    },
  });
  try {
    for await (const chunk of decompress(body)) {
      options.signal?.throwIfAborted();
      parser.write(chunk);
    }
    parser.finish();
  } catch (error) {
    spool.close();
    if (error instanceof TarError) throw errors["build-context-invalid"](error.message);
    throw error;
  }
  return treeOf(root, spool);
}

function treeOf(root: Node, spool: Spool): SourceTree & { remove(path: string): void } {
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = root;
    for (const part of partsOf(path)) node = node?.children.get(part);
    return node;
  };
  return {
    find: (path) => find(path)?.entry,
    list: (path) =>
      [...(find(path)?.children.entries() ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, child]) => child.entry),
    digest: (entry) => find(entry.path)?.digest ?? "",
    open: (entry) => {
      const payload = find(entry.path)?.payload ?? emptyPayload;
      return {
        read: (buffer, position) => {
          const length = Math.min(buffer.length, entry.sizeBytes - position);
          if (length <= 0) return 0;
          if ("bytes" in payload) return payload.bytes.copy(buffer, 0, position, position + length);
          return spool.read(buffer.subarray(0, length), payload.offset + position);
        },
        close: () => {},
      };
    },
    remove: (path) => {
      const parts = partsOf(path);
      const name = parts.pop();
      if (name !== undefined) find(parts.join("/"))?.children.delete(name);
    },
    close: () => spool.close(),
  };
}

function folderNode(path: string): Node {
  return { entry: plainEntry(path, "directory"), digest: "", payload: undefined, children: new Map() };
}

function place(root: Node, header: TarHeader, digest: string, payload: Payload): void {
  const parts = partsOf(header.path);
  if (header.path.split("/").includes("..")) {
    throw errors["build-context-invalid"](`${JSON.stringify(fromByteString(header.path))} leads out of the context`);
  }
  const name = parts.pop();
  let folder = root;
  for (const part of parts) {
    let next = folder.children.get(part);
    if (next === undefined || next.entry.type !== "directory") {
      next = folderNode(joinPath(folder.entry.path, part));
      folder.children.set(part, next);
    }
    folder = next;
  }
  if (header.type === "hardlink" && name !== undefined) {
    placeLink(root, folder, name, header);
    return;
  }
  const path = name === undefined ? "" : joinPath(folder.entry.path, name);
  const entry: SourceEntry = {
    path,
    type: header.type === "hardlink" ? "file" : header.type,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    sizeBytes: header.sizeBytes,
    mtimeSeconds: header.mtimeSeconds,
    mtimeNanoseconds: header.mtimeNanoseconds,
    linkTarget: header.type === "symlink" ? header.linkPath : "",
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    attributes: new Map([...header.attributes].filter(([attribute]) => attribute === "security.capability")),
    inodeKey: undefined,
  };
  if (name === undefined) {
    // "./": the context's own directory.
    if (header.type === "directory") root.entry = entry;
    return;
  }
  const existing = folder.children.get(name);
  const children =
    header.type === "directory" ? (existing?.children ?? new Map<string, Node>()) : new Map<string, Node>();
  folder.children.set(name, { entry, digest, payload, children });
}

/** A hard link shares the other name's content; both then carry one inode key so that a copy links them too. */
function placeLink(root: Node, folder: Node, name: string, header: TarHeader): void {
  let target: Node | undefined = root;
  for (const part of partsOf(header.linkPath)) target = target?.children.get(part);
  if (target === undefined || target.entry.type !== "file") {
    throw errors["build-context-invalid"](
      `${JSON.stringify(fromByteString(header.path))} links to ${JSON.stringify(fromByteString(header.linkPath))}, which is no file before it`,
    );
  }
  const inodeKey = target.entry.inodeKey ?? target.entry.path;
  target.entry = { ...target.entry, inodeKey };
  folder.children.set(name, {
    ...target,
    entry: { ...target.entry, path: joinPath(folder.entry.path, name) },
    children: new Map(),
  });
}

type Spool = {
  begin(sizeBytes: number): void;
  write(bytes: Uint8Array): void;
  end(): Payload;
  read(buffer: Uint8Array, position: number): number;
  close(): void;
};

function createSpool(path: string, memoryBytes: number): Spool {
  let fd: number | undefined;
  let end = 0;
  let start = 0;
  let held = 0;
  let memory: Buffer | undefined;
  let filled = 0;
  return {
    begin: (sizeBytes) => {
      filled = 0;
      start = end;
      const fits = held + sizeBytes <= memoryBytes && sizeBytes <= memoryBytes / 8;
      memory = fits ? Buffer.allocUnsafe(sizeBytes) : undefined;
      if (fits) held += sizeBytes;
    },
    write: (bytes) => {
      if (memory !== undefined) {
        memory.set(bytes, filled);
        filled += bytes.length;
        return;
      }
      if (fd === undefined) {
        fd = openSync(path, "wx+", 0o600);
        // Nameless from the start: a crash leaves nothing behind.
        unlinkSync(path);
      }
      for (let written = 0; written < bytes.length;) {
        written += writeSync(fd, bytes, written, bytes.length - written, end + written);
      }
      end += bytes.length;
    },
    end: () => (memory === undefined ? { offset: start } : { bytes: memory }),
    read: (buffer, position) => (fd === undefined ? 0 : readAt(fd, buffer, position)),
    close: () => {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}
