import * as v from "valibot";
import { isDigest } from "#base";
import { type Descriptor, type ImageIndex, type ImageManifest, mediaTypes, type Platform } from "#formats";
import { errors } from "../errors.ts";

/** A manifest as it was read: its bytes decide its digest, so they are kept. */
export type ManifestDocument =
  | { readonly kind: "image"; readonly manifest: ImageManifest; readonly mediaType: string }
  | { readonly kind: "index"; readonly index: ImageIndex; readonly mediaType: string };

/** What is asked for, best first. */
export const manifestMediaTypes = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
] as const;

const schemaOneTypes = [
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

/** Manifests and indexes beyond this are refused (distribution-spec: at least 4 MiB must be possible). */
export const MANIFEST_LIMIT = 8 * 1024 * 1024;
const MOST_ENTRIES = 5000;
/** The kernel stacks 500 layers at most; Docker made images of 127. */
const MOST_LAYERS = 500;

const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const text = v.nullish(v.string());

const platformSchema = v.pipe(
  v.object({
    architecture: v.optional(v.string(), ""),
    os: v.optional(v.string(), ""),
    variant: text,
    "os.version": text,
  }),
  v.transform((given): Platform => {
    const { architecture, os, variant } = given;
    const version = given["os.version"];
    return { architecture, os, ...(variant ? { variant } : {}), ...(version ? { "os.version": version } : {}) };
  }),
);

const descriptorSchema = v.pipe(
  v.object({
    mediaType: v.optional(v.string(), ""),
    digest: v.pipe(
      v.string(),
      v.check((digest) => isDigest(digest), "unsupported or malformed digest"),
    ),
    size,
    urls: v.nullish(v.array(v.string())),
    annotations: v.nullish(v.record(v.string(), v.string())),
    platform: v.nullish(platformSchema),
    artifactType: text,
  }),
  v.transform((given): Descriptor => {
    const { mediaType, digest, annotations, platform, artifactType, urls } = given;
    return {
      mediaType,
      digest,
      size: given.size,
      ...(urls === null || urls === undefined ? {} : { urls }),
      ...(annotations === null || annotations === undefined ? {} : { annotations }),
      ...(platform === null || platform === undefined ? {} : { platform }),
      ...(artifactType === null || artifactType === undefined ? {} : { artifactType }),
    };
  }),
);

const imageSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  config: descriptorSchema,
  layers: v.pipe(v.array(descriptorSchema), v.maxLength(MOST_LAYERS)),
  annotations: v.optional(v.record(v.string(), v.string())),
  // A document that is manifest and index at once means different things to different readers (CVE-2021-41190).
  manifests: v.optional(v.never("a manifest has no manifests")),
});

const indexSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  manifests: v.pipe(v.array(descriptorSchema), v.maxLength(MOST_ENTRIES)),
  annotations: v.optional(v.record(v.string(), v.string())),
  layers: v.optional(v.never("an index has no layers")),
  config: v.optional(v.never("an index has no config")),
});

function parse<Schema extends v.GenericSchema>(schema: Schema, document: unknown, name: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, document);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw errors.registryManifestInvalid(name, `${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

/**
 * Reads a manifest or an index. The document's own media type decides; the answer's header has to agree with it.
 * Schema 1 and what is neither an image nor an index are refused, each in its own words.
 */
export function parseManifest(bytes: Uint8Array, contentType: string, name: string): ManifestDocument {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw errors.registryManifestInvalid(name, "it is not JSON");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw errors.registryManifestInvalid(name, "it is not a JSON object");
  }
  const fields = document as { readonly schemaVersion?: unknown; readonly mediaType?: unknown };
  const header = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  const own = typeof fields.mediaType === "string" ? fields.mediaType : undefined;
  if (fields.schemaVersion === 1 || schemaOneTypes.includes(header)) throw errors.registryManifestOld(name);
  const isKnown = (type: string) => (manifestMediaTypes as readonly string[]).includes(type);
  if (own !== undefined && isKnown(header) && own !== header) {
    throw errors.registryManifestInvalid(name, `it says it is ${own}, the registry says ${header}`);
  }
  const isIndexShaped = "manifests" in document;
  const mediaType = own ?? (isKnown(header) ? header : isIndexShaped ? mediaTypes.ociIndex : mediaTypes.ociManifest);
  if (mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList) {
    return { kind: "index", index: parse(indexSchema, document, name) as ImageIndex, mediaType };
  }
  if (mediaType !== mediaTypes.ociManifest && mediaType !== mediaTypes.dockerManifest) {
    throw errors.registryManifestUnsupported(name, mediaType.slice(0, 200));
  }
  return { kind: "image", manifest: parse(imageSchema, document, name) as ImageManifest, mediaType };
}

const layerTypes = new Set<string>([
  mediaTypes.ociLayer,
  mediaTypes.ociLayerGzip,
  mediaTypes.ociLayerZstd,
  mediaTypes.dockerLayer,
  mediaTypes.dockerLayerGzip,
  "application/vnd.docker.image.rootfs.diff.tar.zstd",
  "application/vnd.docker.image.rootfs.foreign.diff.tar",
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  "application/vnd.oci.image.layer.nondistributable.v1.tar",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
]);

/** True for layers that registries need not have: they name where they are. */
export function isForeign(descriptor: Descriptor): boolean {
  return /foreign|nondistributable/.test(descriptor.mediaType);
}

/** Refuses manifests of what is no container image: charts, signatures, modules. */
export function assertImage(manifest: ImageManifest, name: string): void {
  const { config, layers } = manifest;
  if (config.mediaType !== mediaTypes.ociConfig && config.mediaType !== mediaTypes.dockerConfig) {
    throw errors.registryManifestUnsupported(name, config.mediaType.slice(0, 200));
  }
  for (const layer of layers) {
    if (!layerTypes.has(layer.mediaType)) throw errors.registryManifestUnsupported(name, layer.mediaType.slice(0, 200));
  }
}
