import * as v from "valibot";
import { type Digest, errorMessage, isDigest } from "#base";
import type { LayerStore } from "#images";
import type { ImportedCache } from "../imported.ts";
import {
  cacheConfigType,
  type CacheConfig,
  type CacheLayer,
  inlineCacheField,
  parseCacheConfig,
} from "./cache-config.ts";
import { readBounded } from "./block-blobs.ts";
import { type CachePlace, documentLimit } from "./places.ts";

const descriptorSchema = v.object({ mediaType: v.optional(v.string()), digest: v.string(), size: v.number() });
const manifestSchema = v.object({
  config: v.optional(descriptorSchema),
  layers: v.optional(v.array(descriptorSchema)),
  manifests: v.optional(v.array(descriptorSchema)),
});

export type ImportParts = {
  readonly layers: LayerStore;
  /** Tells of what could not be fetched: the step is run then. */
  readonly warn: (text: string) => void;
};

/** Reads what a place offers; undefined when it holds no cache. Throws what the place says when it cannot be reached. */
export async function importCache(
  parts: ImportParts,
  place: CachePlace,
  signal: AbortSignal,
): Promise<ImportedCache | undefined> {
  const placed = await place.manifest(signal);
  if (placed === undefined) return undefined;
  if (place.keepsDocuments === true) {
    const document = parseCacheConfig(placed.text);
    return document === undefined ? undefined : cacheOf(parts, place, document);
  }
  const manifest = v.safeParse(manifestSchema, JSON.parse(placed.text));
  if (!manifest.success) return undefined;
  const { config, layers = [], manifests = [] } = manifest.output;
  const found =
    config?.mediaType === cacheConfigType ? config : manifests.find(({ mediaType }) => mediaType === cacheConfigType);
  if (found !== undefined) {
    const document = parseCacheConfig(await readText(place, found, signal));
    return document === undefined ? undefined : cacheOf(parts, place, document);
  }
  if (config === undefined) return undefined;
  const inline = inlineDocument(await readText(place, config, signal));
  if (inline === undefined) return undefined;
  // An image's layers are the manifest's, in order.
  const blobs = new Map(
    inline.diffIds.flatMap((diffId, index) => {
      const layer = layers[index];
      return layer === undefined || !isDigest(layer.digest)
        ? []
        : [[diffId, { diffId, blob: layer.digest, sizeBytes: layer.size, mediaType: layer.mediaType ?? "" }] as const];
    }),
  );
  return cacheOf(parts, place, { records: inline.document.records, layers: [...blobs.values()] });
}

/**
 * The inline cache of an image that is here; undefined when it has none. Its layers need not be fetched.
 * @param config the image's config, byte for byte
 */
export function importFromImage(name: string, config: Uint8Array, layers: LayerStore): ImportedCache | undefined {
  const document = inlineDocument(Buffer.from(config).toString("utf8"))?.document;
  if (document === undefined) return undefined;
  const records = new Map(document.records.map((record) => [record.key, record]));
  return {
    name,
    find: (key) => (isDigest(key) ? records.get(key) : undefined),
    fetch: async (diffId) => layers.has(diffId),
  };
}

function inlineDocument(
  text: string,
): { readonly document: CacheConfig; readonly diffIds: readonly Digest[] } | undefined {
  const config = JSON.parse(text) as {
    readonly [inlineCacheField]?: unknown;
    readonly rootfs?: { readonly diff_ids?: unknown };
  };
  const inline = config[inlineCacheField];
  const diffIds = config.rootfs?.diff_ids;
  if (typeof inline !== "string" || !Array.isArray(diffIds)) return undefined;
  const digests = diffIds.filter((diffId): diffId is Digest => typeof diffId === "string" && isDigest(diffId));
  if (digests.length !== diffIds.length) return undefined;
  const document = parseCacheConfig(Buffer.from(inline, "base64").toString("utf8"), digests);
  return document === undefined ? undefined : { document, diffIds: digests };
}

async function readText(
  place: CachePlace,
  descriptor: { readonly digest: string; readonly size: number },
  signal: AbortSignal,
): Promise<string> {
  if (!isDigest(descriptor.digest)) throw new Error(`${place.name}: ${descriptor.digest} is no digest`);
  return readBounded(place.name, place.blob(descriptor.digest, descriptor.size, signal), documentLimit);
}

function cacheOf(parts: ImportParts, place: CachePlace, document: CacheConfig): ImportedCache {
  const records = new Map(document.records.map((record) => [record.key, record]));
  const blobs = new Map<Digest, CacheLayer>(document.layers.map((layer) => [layer.diffId, layer]));
  return {
    name: place.name,
    find: (key) => (isDigest(key) ? records.get(key) : undefined),
    fetch: async (diffId, signal) => {
      if (parts.layers.has(diffId)) return true;
      const layer = blobs.get(diffId);
      if (layer === undefined) return false;
      try {
        await parts.layers.apply(place.blob(layer.blob, layer.sizeBytes, signal), { expected: diffId });
        return true;
      } catch (error) {
        signal.throwIfAborted();
        parts.warn(`${place.name}: layer ${layer.blob} could not be fetched: ${errorMessage(error)}\n`);
        return false;
      }
    },
  };
}
