import { createReadStream, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestHex } from "#base";
import { findPacked, hasPlaceToKeep } from "./packed.ts";

/** Less is fetched anew. */
const LEAST_BYTES = 64 * 1024;
/** All of them together; the oldest go first. */
const MOST_BYTES = 4 * 1024 * 1024 * 1024;
/** Whoever wanted it has given up. */
const MOST_AGE_MS = 24 * 3_600_000;
const READ_BYTES = 256 * 1024;

/** The first bytes of a blob as an earlier try left them. They may be wrong: whoever goes on behind them checks the whole. */
export type PartialBlob = { readonly sizeBytes: number; open(): AsyncIterable<Uint8Array> };

/** What came of layers whose download broke off or was killed, by the digest of the blob. */
export type PartialBlobs = {
  /** Takes the compressed bytes out of a half-done layer's directory, when they are more than what is kept already. */
  salvage(layerDirectory: string): void;
  /** What there is of a blob of that size. */
  find(digest: Digest, sizeBytes: number): PartialBlob | undefined;
  /** Idempotent. */
  drop(digest: Digest): void;
  /** Gives up what is too old or too much, or everything; returns the bytes. */
  sweep(all?: boolean): number;
};

/** Opens a directory of them; made when it is not there. */
export function openPartialBlobs(
  directory: string,
  { mostBytes = MOST_BYTES }: { readonly mostBytes?: number } = {},
): PartialBlobs {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pathOf = (hex: string) => join(directory, hex);
  const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

  const sweep = (all = false): number => {
    const oldest = Date.now() - MOST_AGE_MS;
    const found = readdirSync(directory).map((name) => {
      const { size, mtimeMs } = statSync(pathOf(name));
      return { name, size, mtimeMs };
    });
    let [kept, won] = [0, 0];
    for (const { name, size, mtimeMs } of found.toSorted((left, right) => right.mtimeMs - left.mtimeMs)) {
      const isWanted = !all && mtimeMs > oldest && kept + size <= mostBytes;
      if (isWanted) kept += size;
      else {
        rmSync(pathOf(name), { force: true });
        won += size;
      }
    }
    return won;
  };

  return {
    salvage: (layerDirectory) => {
      for (const { hex, path } of findPacked(layerDirectory)) {
        const size = sizeOf(path);
        if (size < LEAST_BYTES || size <= sizeOf(pathOf(hex)) || !hasPlaceToKeep(directory)) continue;
        renameSync(path, pathOf(hex));
      }
      sweep();
    },
    find: (digest, sizeBytes) => {
      const path = pathOf(digestHex(digest));
      const size = sizeOf(path);
      if (size === 0 || size > sizeBytes) return undefined;
      // Not beyond what was there when it was asked for.
      return { sizeBytes: size, open: () => createReadStream(path, { end: size - 1, highWaterMark: READ_BYTES }) };
    },
    drop: (digest) => rmSync(pathOf(digestHex(digest)), { force: true }),
    sweep,
  };
}
