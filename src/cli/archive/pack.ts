import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { splitDeviceNumber } from "#base";
import { encodeTarHeader, plainTarHeader, tarEnd, type TarEntryType, tarPaddingOf } from "#wire";
import { cliErrors } from "../errors.ts";

/*
 * Paths are byte strings here (latin1: one character is one byte), as the tar writer takes them: a file name on Linux
 * is bytes, and one that is no UTF-8 must arrive as it is.
 */

/** A path of ours as a byte string. */
export function toBytes(path: string): string {
  return Buffer.from(path, "utf8").toString("latin1");
}

function onDisk(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

export type PackOptions = {
  /** Leaves out a path relative to the root (UTF-8). */
  readonly ignores?: (path: string) => boolean;
  /** Whether something below an ignored directory may be kept. */
  readonly mayKeepBelow?: (path: string) => boolean;
  /** Everything belongs to root, as in a build context; otherwise owners are kept. */
  readonly asRoot?: boolean;
};

type Pending = { readonly path: string; readonly name: string };

const chunkBytes = 256 * 1024;

function typeOf(status: Stats): TarEntryType | undefined {
  if (status.isFile()) return "file";
  if (status.isDirectory()) return "directory";
  if (status.isSymbolicLink()) return "symlink";
  if (status.isFIFO()) return "fifo";
  if (status.isCharacterDevice()) return "character";
  if (status.isBlockDevice()) return "block";
  // A socket means nothing without its process.
  return undefined;
}

function* readFile(path: string, sizeBytes: number): Generator<Uint8Array> {
  const descriptor = openSync(onDisk(path), "r");
  try {
    let left = sizeBytes;
    while (left > 0) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, left));
      const count = readSync(descriptor, buffer, 0, buffer.length, null);
      // The header has promised the size; a file that shrank meanwhile cannot keep it.
      if (count === 0)
        throw cliErrors["bad-option"](`${Buffer.from(path, "latin1").toString()}: file shrank while it was read`);
      left -= count;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

function* packEntries(root: string, name: string, options: PackOptions): Generator<Uint8Array> {
  const hardlinks = new Map<string, string>();
  const stack: Pending[] = [{ path: root, name }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { path, name: entryName } = next;
    const status = lstatSync(onDisk(path));
    const relative = path === root ? "" : path.slice(root.length + 1);
    const readable = Buffer.from(relative, "latin1").toString();
    const ignored = relative !== "" && options.ignores?.(readable) === true;
    if (status.isDirectory() && (!ignored || options.mayKeepBelow?.(readable) === true)) {
      const children = readdirSync(onDisk(path), { encoding: "latin1" }).sort().reverse();
      for (const child of children) {
        stack.push({ path: `${path}/${child}`, name: entryName === "" ? child : `${entryName}/${child}` });
      }
    }
    const type = typeOf(status);
    if (ignored || type === undefined || entryName === "") continue;
    const inode = `${status.dev}:${status.ino}`;
    const original = type === "file" && status.nlink > 1 ? hardlinks.get(inode) : undefined;
    if (type === "file" && status.nlink > 1 && original === undefined) hardlinks.set(inode, entryName);
    const device = type === "character" || type === "block" ? splitDeviceNumber(status.rdev) : undefined;
    yield encodeTarHeader(
      plainTarHeader({
        path: type === "directory" ? `${entryName}/` : entryName,
        type: original === undefined ? type : "hardlink",
        linkPath: original ?? (type === "symlink" ? readlinkSync(onDisk(path), { encoding: "latin1" }) : ""),
        mode: status.mode & 0o7777,
        uid: options.asRoot === true ? 0 : status.uid,
        gid: options.asRoot === true ? 0 : status.gid,
        sizeBytes: type === "file" && original === undefined ? status.size : 0,
        mtimeSeconds: Math.floor(status.mtimeMs / 1000),
        deviceMajor: device?.major ?? 0,
        deviceMinor: device?.minor ?? 0,
      }),
    );
    if (type !== "file" || original !== undefined || status.size === 0) continue;
    yield* readFile(path, status.size);
    const padding = tarPaddingOf(status.size);
    if (padding > 0) yield new Uint8Array(padding);
  }
}

/** One file with given bytes. */
export function* packText(name: string, content: Uint8Array): Generator<Uint8Array> {
  yield encodeTarHeader(plainTarHeader({ path: toBytes(name), type: "file", mode: 0o600, sizeBytes: content.length }));
  yield content;
  yield new Uint8Array(tarPaddingOf(content.length));
}

/**
 * An archive of a file or directory. `name` is what it is called inside; with "" a directory's content lies at the top.
 * `more` is appended. Small pieces are joined so that a tree of tiny files is not a storm of tiny writes.
 */
export async function* packTree(
  root: string,
  name: string,
  options: PackOptions = {},
  more: Iterable<Uint8Array> = [],
): AsyncGenerator<Uint8Array, void> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  function* all() {
    if (root !== "") yield* packEntries(toBytes(root), toBytes(name), options);
    yield* more;
    yield tarEnd;
  }
  for (const piece of all()) {
    pieces.push(piece);
    size += piece.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(pieces);
}
