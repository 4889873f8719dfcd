import type { Digest } from "#base";
import { type Database, layerBlobTable } from "#db";

/** A layer as a repository has it. */
export type LayerBlob = {
  readonly diffId: Digest;
  /** Of the bytes as they travel, compressed or not. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** Fully qualified: "docker.io/library/debian". */
  readonly repository: string;
};

/** Remembers which repositories have a layer, so that it need not be sent there again. Only a memory: it may be wrong. */
export type LayerBlobs = {
  /** Latest first. */
  of(diffId: Digest): readonly LayerBlob[];
  /** Does nothing when the layer is not in the store. */
  add(blobs: readonly LayerBlob[]): void;
  /** For a repository that turned out not to have it. */
  forget(blob: LayerBlob): void;
};

/** A layer is remembered in so many places. */
const MOST_PLACES = 40;

/** Opens the memory. */
export function openLayerBlobs(database: Database, has: (diffId: Digest) => boolean): LayerBlobs {
  const table = layerBlobTable(database);
  return {
    of: (diffId) =>
      table.of(diffId).map((row) => ({
        diffId: row.diff_id,
        digest: row.digest,
        sizeBytes: row.size_bytes,
        mediaType: row.media_type,
        repository: row.repository,
      })),
    add: (blobs) =>
      database.transaction(() => {
        for (const { diffId, digest, sizeBytes, mediaType, repository } of blobs) {
          if (!has(diffId)) continue;
          table.put({
            diff_id: diffId,
            digest,
            repository,
            media_type: mediaType,
            size_bytes: sizeBytes,
            seen_ms: Date.now(),
          });
          table.trim(diffId, MOST_PLACES);
        }
      }),
    forget: ({ diffId, digest, repository }) => table.forget(diffId, digest, repository),
  };
}
