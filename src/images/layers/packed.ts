import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex, errorMessage } from "#base";
import { errors } from "../errors.ts";
import { detectCompression } from "../extract/decompress.ts";

/** Where the compressed forms of a layer lie, in its directory. */
const PACKED = "packed";

/** A compressed form is not kept where less of the file system is free: the layer itself needs the place. */
const LEAST_FREE = 0.1;
const CHUNK = 1024 * 1024;

/** A layer as it came: compressed by somebody else, in a way nobody can repeat. */
export type PackedLayer = {
  /** Of the compressed bytes. */
  readonly digest: Digest;
  readonly compression: "gzip" | "zstd";
  readonly sizeBytes: number;
};

/** True when the file system of a directory has place for more than is needed. */
export function hasPlaceToKeep(directory: string): boolean {
  const { bavail, blocks } = statfsSync(directory);
  return bavail > blocks * LEAST_FREE;
}

/** The file of a compressed form. */
export function packedPath(layerDirectory: string, digest: Digest): string {
  return join(layerDirectory, PACKED, digestHex(digest));
}

/** Files of compressed bytes in a layer's directory, whole or not, by the hex of the digest they are to have. */
export function findPacked(layerDirectory: string): readonly { readonly hex: string; readonly path: string }[] {
  const directory = join(layerDirectory, PACKED);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name) ? [{ hex: entry.name, path: join(directory, entry.name) }] : [],
  );
}

/** Writes down what passes by of a layer, as it passes. */
export type PackedWriter = {
  write(chunk: Uint8Array): void;
  /** Closes the file; what it holds, or undefined when that needs no keeping: it was no gzip or zstd. */
  close(): PackedLayer | undefined;
};

/** Keeps the bytes of `digest` (which the caller verifies) in a layer's directory; that is made at the first byte. */
export function createPackedWriter(layerDirectory: string, digest: Digest): PackedWriter {
  let fd: number | undefined;
  let head: Buffer | undefined = Buffer.alloc(0);
  let compression: PackedLayer["compression"] | undefined;
  let sizeBytes = 0;
  const begin = (bytes: Uint8Array) => {
    head = undefined;
    const found = detectCompression(bytes);
    if (found !== "gzip" && found !== "zstd") return;
    compression = found;
    mkdirSync(join(layerDirectory, PACKED), { mode: 0o700 });
    fd = openSync(packedPath(layerDirectory, digest), "wx", 0o600);
  };
  const append = (chunk: Uint8Array) => {
    if (fd === undefined) return;
    for (let offset = 0; offset < chunk.length;) offset += writeSync(fd, chunk, offset, chunk.length - offset);
    sizeBytes += chunk.length;
  };
  return {
    write: (chunk) => {
      if (head === undefined) {
        append(chunk);
        return;
      }
      head = Buffer.concat([head, chunk]);
      // The magic bytes of all that is told apart.
      if (head.length < 6) return;
      const all = head;
      begin(all);
      append(all);
    },
    close: () => {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      return compression === undefined ? undefined : { digest, compression, sizeBytes };
    },
  };
}

/** The bytes of a compressed form; ends in an error unless they are those of its digest. */
export async function* readPacked(layerDirectory: string, packed: PackedLayer): AsyncGenerator<Buffer> {
  const { digest, sizeBytes } = packed;
  const hash = createHash("sha256");
  try {
    const file = await openFile(packedPath(layerDirectory, digest), "r");
    try {
      for (let position = 0; position < sizeBytes;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(CHUNK), 0, CHUNK, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const chunk = buffer.subarray(0, bytesRead);
        hash.update(chunk);
        yield chunk;
      }
    } finally {
      await file.close();
    }
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== digest) throw new Error(`its bytes have the digest ${actual}`);
  } catch (error) {
    throw errors.packedLayerDamaged(digest, errorMessage(error));
  }
}

/** True when the bytes are those of the digest. */
export async function isIntact(layerDirectory: string, packed: PackedLayer): Promise<boolean> {
  try {
    for await (const _chunk of readPacked(layerDirectory, packed));
    return true;
  } catch {
    return false;
  }
}

/** Deletes one; it need not be there. */
export function removePacked(layerDirectory: string, digest: Digest): void {
  rmSync(packedPath(layerDirectory, digest), { force: true });
}

/** A source that is read to its end, whoever stops before, and that a writer sees all of. */
export function wholeSource(
  source: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => void,
): { readonly reader: AsyncIterable<Uint8Array>; drain(): Promise<void>; close(): Promise<void> } {
  const iterator = source[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const result = await iterator.next();
    if (result.done !== true) see(result.value);
    return result;
  };
  return {
    // A decoder may stop before the last byte; the rest counts too.
    reader: {
      [Symbol.asyncIterator]: () => ({ next, return: () => Promise.resolve({ done: true, value: undefined }) }),
    },
    drain: async () => {
      for (;;) if ((await next()).done === true) return;
    },
    close: async () => void (await iterator.return?.()),
  };
}
