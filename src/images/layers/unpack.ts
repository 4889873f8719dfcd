import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Digest, IdMapping } from "#base";
import { closeFd, FILE_TYPE, giveToContainers, openDirectory, renameAt, S_IFMT, toByteString } from "#linux";
import { errors } from "../errors.ts";
import { decompress } from "../extract/decompress.ts";
import { parseArchive } from "../extract/extract-archive.ts";
import { createExtractor } from "../extract/extractor.ts";
import { createNursery } from "../extract/nursery.ts";
import { createSkeletonWriter } from "./skeleton.ts";

/** What is known of a layer once its tar has been read. */
export type LayerFacts = { readonly diffId: Digest; readonly sizeBytes: number; readonly tarBytes: number };

/** Payload of members that are not stored as files (whiteouts, skipped ones) goes into the skeleton; real ones have none. */
const INLINE_LIMIT = 1024 * 1024;

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes(chunk.byteLength);
    yield chunk;
  }
}

/** Remembers which file holds which payload, so that one replaced later by the same layer is kept aside. */
function createPayloadLedger(rootFd: number, keptDirectory: string) {
  const sequences = new Map<string, number>();
  let next = 0;
  let keptFd: number | undefined;
  const keep = (path: string) => {
    const sequence = sequences.get(path);
    if (sequence === undefined) return;
    if (keptFd === undefined) {
      mkdirSync(keptDirectory, { mode: 0o700 });
      keptFd = openDirectory(toByteString(keptDirectory));
    }
    renameAt(rootFd, path, keptFd, String(sequence));
    sequences.delete(path);
  };
  return {
    add: (path: string): number => {
      sequences.set(path, next);
      return next++;
    },
    beforeRemoval: (path: string, mode: number) => {
      if ((mode & S_IFMT) === FILE_TYPE.regular) keep(path);
      if ((mode & S_IFMT) !== FILE_TYPE.directory) return;
      for (const inside of Array.from(sequences.keys())) if (inside.startsWith(`${path}/`)) keep(inside);
    },
    close: () => {
      if (keptFd !== undefined) closeFd(keptFd);
    },
  };
}

/**
 * Unpacks a layer's tar into `directory` (made here): diff/, skeleton and, where needed, kept/. Not yet durable. The
 * only place where owners of images become those of the host.
 */
export async function unpackLayer(
  tar: AsyncIterable<Uint8Array>,
  directory: string,
  idMapping: IdMapping | undefined,
  onBytes: (count: number) => void = () => {},
): Promise<LayerFacts> {
  const diff = join(directory, "diff");
  mkdirSync(directory, { mode: 0o700 });
  mkdirSync(diff, { mode: 0o755 });
  giveToContainers(diff, idMapping);
  const rootFd = openDirectory(toByteString(diff));
  const ledger = createPayloadLedger(rootFd, join(directory, "kept"));
  const nursery = createNursery(`${directory}-files-`);
  const skeleton = createSkeletonWriter(join(directory, "skeleton"));
  const extractor = createExtractor({
    rootFd,
    whiteouts: "overlay",
    rootAttributes: true,
    idMapping,
    nursery,
    beforeRemoval: (path, status) => ledger.beforeRemoval(path, status.mode),
  });
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let tarBytes = 0;
  let stored = false;
  /** The payload goes into the skeleton, beside the file if there is one: a sparse file does not give it back. */
  let inline = false;
  try {
    await parseArchive(
      decompress(counted(tar, onBytes)),
      {
        raw: (bytes) => skeleton.bytes(bytes),
        entry: (header) => {
          const path = extractor.entry(header);
          stored = path !== undefined;
          inline = path === undefined || header.isSparse === true;
          if (header.sizeBytes === 0) return;
          sizeBytes += header.sizeBytes;
          if (path !== undefined && header.isSparse === true) return;
          if (path !== undefined) skeleton.file(path, header.sizeBytes, ledger.add(path));
          else if (header.sizeBytes > INLINE_LIMIT) {
            throw errors.archiveEntryInvalid(header.path, "a whiteout has no contents");
          }
        },
        data: (data) => {
          if (stored) extractor.data(data);
          if (inline) skeleton.bytes(data);
        },
        hole: (bytes) => {
          if (stored) extractor.hole(bytes);
        },
        end: () => extractor.end(),
      },
      (chunk) => {
        hash.update(chunk);
        tarBytes += chunk.byteLength;
      },
    );
    extractor.finish();
  } catch (error) {
    extractor.abort();
    throw error;
  } finally {
    skeleton.close();
    ledger.close();
    nursery.close();
    closeFd(rootFd);
  }
  return { diffId: `sha256:${hash.digest("hex")}`, sizeBytes, tarBytes };
}
