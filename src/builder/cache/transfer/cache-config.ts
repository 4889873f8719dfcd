import * as v from "valibot";
import { type Digest, isDigest } from "#base";

/** The media type of BuildKit's cache config. */
export const cacheConfigType = "application/vnd.buildkit.cacheconfig.v0";

/** The field of an image's config that holds an inline cache: the document below, in base64. */
export const inlineCacheField = "moby.buildkit.cache.v0";

/** A step's result on its way from one machine to another. */
export type CacheRecord = {
  readonly key: Digest;
  /** Undefined when the step changed no file. */
  readonly diffId: Digest | undefined;
  /** RFC 3339. */
  readonly created: string;
  /** Key of the step before in the stage; undefined for the first. */
  readonly parent: Digest | undefined;
};

/** A layer's blob as the config names it. */
export type CacheLayer = {
  readonly diffId: Digest;
  readonly blob: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
};

/** BuildKit's document: layers by number, and records that name results and what they follow. */
export type CacheConfig = { readonly layers: readonly CacheLayer[]; readonly records: readonly CacheRecord[] };

const layerSchema = v.object({
  blob: v.string(),
  parent: v.optional(v.number()),
  annotations: v.optional(
    v.object({
      diffID: v.optional(v.string()),
      mediaType: v.optional(v.string()),
      size: v.optional(v.number()),
    }),
  ),
});

const recordSchema = v.object({
  digest: v.string(),
  inputs: v.optional(v.array(v.array(v.object({ link: v.number(), selector: v.optional(v.string()) })))),
  results: v.optional(v.array(v.object({ layer: v.number(), createdAt: v.optional(v.string()) }))),
  /** Not BuildKit's: the step changed no file, and when it was made. */
  empty: v.optional(v.string()),
});

const configSchema = v.object({
  layers: v.optional(v.array(layerSchema)),
  records: v.optional(v.array(recordSchema)),
});

/** Writes the document. Layers stand alone (`parent` -1): a record names one layer, not a chain. */
export function serializeCacheConfig(config: CacheConfig): string {
  const layerIndex = new Map(config.layers.map((layer, index) => [layer.diffId, index]));
  const recordIndex = new Map(config.records.map((record, index) => [record.key, index]));
  return JSON.stringify({
    layers: config.layers.map(({ blob, diffId, mediaType, sizeBytes }) => ({
      blob,
      parent: -1,
      annotations: { mediaType, diffID: diffId, size: sizeBytes, createdAt: "0001-01-01T00:00:00Z" },
    })),
    records: config.records.map(({ key, diffId, created, parent }) => {
      const link = parent === undefined ? undefined : recordIndex.get(parent);
      const layer = diffId === undefined ? undefined : layerIndex.get(diffId);
      return {
        digest: key,
        ...(link === undefined ? {} : { inputs: [[{ link, selector: "" }]] }),
        ...(layer === undefined ? {} : { results: [{ layer, createdAt: created }] }),
        ...(diffId === undefined ? { empty: created } : {}),
      };
    }),
  });
}

/**
 * Reads the document; undefined for anything else. What names no layer of it is left out: it came from outside.
 * @param diffIds of an inline cache, the image's layers in order: its document has no digests of its own for them
 */
export function parseCacheConfig(text: string, diffIds?: readonly Digest[]): CacheConfig | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Whoever asks goes on without it.
  }
  const parsed = v.safeParse(configSchema, value);
  if (!parsed.success) return undefined;
  const layers = (parsed.output.layers ?? []).map((layer, index): CacheLayer | undefined => {
    const diffId = diffIds?.[index] ?? layer.annotations?.diffID;
    if (diffId === undefined || !isDigest(diffId) || !isDigest(layer.blob)) return undefined;
    const { mediaType = "", size = 0 } = layer.annotations ?? {};
    return { diffId, blob: layer.blob, mediaType, sizeBytes: size };
  });
  const records = (parsed.output.records ?? []).flatMap((record): CacheRecord[] => {
    if (!isDigest(record.digest)) return [];
    const result = record.results?.[0];
    const layer = result === undefined ? undefined : layers[result.layer];
    if (layer === undefined && record.empty === undefined) return [];
    const created = record.empty ?? result?.createdAt ?? "1970-01-01T00:00:00Z";
    return [{ key: record.digest, diffId: layer?.diffId, created, parent: undefined }];
  });
  return { layers: layers.filter((layer) => layer !== undefined), records };
}
