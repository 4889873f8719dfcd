import type { Digest } from "#base";
import type { ImageConfig } from "#formats";
import type { LayerStore } from "#images";
import { type Blob, bytesBlob, createBlobStore } from "../../export/blob.ts";
import {
  cacheConfigType,
  type CacheLayer,
  type CacheRecord,
  inlineCacheField,
  serializeCacheConfig,
} from "./cache-config.ts";
import type { CachePlace } from "./places.ts";

export type CacheExportOptions = {
  readonly compression: "uncompressed" | "gzip" | "zstd";
  readonly compressionLevel: number | undefined;
  /** An image manifest, which every registry takes, or an index as old BuildKits want it. */
  readonly form: "manifest" | "index";
};

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";

/** Writes results of steps to a place: blobs that are not there yet, then the config, last the manifest. */
export async function exportCache(
  parts: {
    readonly layers: LayerStore;
    /** For compressed layers until they are sent. */
    readonly directory: string;
    readonly progress: (text: string) => void;
  },
  place: CachePlace,
  records: readonly CacheRecord[],
  options: CacheExportOptions,
  signal: AbortSignal,
): Promise<Digest> {
  const store = createBlobStore(parts.layers, parts.directory);
  try {
    const layers: CacheLayer[] = [];
    const blobs: Blob[] = [];
    const imageOptions = { ...options, names: [], annotations: [], rewriteTimestamp: false, ociMediaTypes: true };
    for (const diffId of new Set(records.flatMap((record) => record.diffId ?? []))) {
      const blob = await store.layer(diffId, imageOptions, signal);
      const isNew = await place.putBlob(blob, signal);
      parts.progress(`${isNew ? "wrote" : "had"} layer ${blob.digest} (${blob.sizeBytes} bytes)\n`);
      layers.push({ diffId, blob: blob.digest, sizeBytes: blob.sizeBytes, mediaType: blob.mediaType });
      blobs.push(blob);
    }
    const text = serializeCacheConfig({ layers, records });
    if (place.keepsDocuments === true) return await place.putManifest({ mediaType: cacheConfigType, text }, signal);
    const config = bytesBlob(Buffer.from(text), cacheConfigType);
    await place.putBlob(config, signal);
    const described = (blob: Blob) => ({ mediaType: blob.mediaType, digest: blob.digest, size: blob.sizeBytes });
    const manifest =
      options.form === "manifest"
        ? { schemaVersion: 2, mediaType: manifestType, config: described(config), layers: blobs.map(described) }
        : { schemaVersion: 2, mediaType: indexType, manifests: [...blobs, config].map(described) };
    return await place.putManifest({ mediaType: manifest.mediaType, text: JSON.stringify(manifest) }, signal);
  } finally {
    store.close();
  }
}

/** An image's config with the results that made its layers in it. */
export function withInlineCache(config: ImageConfig, records: readonly CacheRecord[]): ImageConfig {
  const own = new Set(config.rootfs.diff_ids);
  const kept = records.filter(({ diffId }) => diffId === undefined || own.has(diffId));
  const layers = config.rootfs.diff_ids.map((diffId) => ({ diffId, blob: diffId, sizeBytes: 0, mediaType: "" }));
  const document = serializeCacheConfig({ layers, records: kept });
  return { ...config, [inlineCacheField]: Buffer.from(document).toString("base64") } as ImageConfig;
}
