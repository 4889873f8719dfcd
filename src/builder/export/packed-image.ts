import type { Digest } from "#base";
import type { Descriptor, Platform } from "#formats";
import type { BuiltImage } from "../contract.ts";
import { formatPlatform } from "../plan/platform.ts";
import { type Blob, type BlobStore, bytesBlob, documentBlob } from "./blob.ts";
import type { Annotation, AnnotationLevel, ImageOptions } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";

/** An image in the form that registries and archives hold: documents that name each other by digest. */
export type PackedImage = {
  /** The index, or the one manifest. */
  readonly root: Blob;
  /** What the root names, in the order in which it must be there before what names it. */
  readonly blobs: readonly Blob[];
  /** Those of the blobs that are manifests. */
  readonly manifests: readonly Blob[];
  /** The config of the first platform. */
  readonly config: Blob;
  /** With one platform: its layers, as docker-archives list them. */
  readonly layers: readonly Blob[];
};

/** What belongs to one platform's image: a statement about it or a stage of it (in-toto), under its predicate's type. */
export type AttachedStatement = {
  readonly predicateType: string;
  readonly statement: Uint8Array;
  /** The stage it is about, when it is not about the image itself. */
  readonly stage?: string | undefined;
};

const types = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
  },
} as const;

const inTotoType = "application/vnd.in-toto+json";

/**
 * Puts images together: a manifest for one platform, an index for several or when statements come with them.
 * @param options.index make an index even of one manifest
 * @param statementsOf what is said about an image, once its manifest's digest is known
 */
export async function packImages(
  images: readonly BuiltImage[],
  options: ImageOptions & { readonly index?: boolean | undefined },
  store: BlobStore,
  signal: AbortSignal,
  statementsOf: (image: BuiltImage, manifest: Digest) => Promise<readonly AttachedStatement[]>,
): Promise<PackedImage> {
  // Statements exist in OCI's form only.
  const form = options.ociMediaTypes ? types.oci : types.docker;
  checkAnnotations(images, options.annotations);
  const blobs: Blob[] = [];
  const manifests: Blob[] = [];
  const entries: Descriptor[] = [];
  const attached: Descriptor[] = [];
  let firstLayers: readonly Blob[] = [];
  let firstConfig: Blob | undefined;
  for (const image of images) {
    const layers: Blob[] = [];
    for (const diffId of image.diffIds) layers.push(await store.layer(diffId, options, signal));
    const config = bytesBlob(image.configBytes, form.config);
    const annotations = annotationsOf(options.annotations, "manifest", image.platform);
    const manifest = documentBlob(
      {
        schemaVersion: 2,
        mediaType: form.manifest,
        config: descriptorOf(config),
        layers: layers.map(descriptorOf),
        ...annotations,
      },
      form.manifest,
    );
    blobs.push(...layers, config);
    manifests.push(manifest);
    entries.push({
      ...descriptorOf(manifest),
      ...annotationsOf(options.annotations, "manifest-descriptor", image.platform),
      platform: plainPlatform(image.platform),
    });
    if (firstConfig === undefined) {
      firstConfig = config;
      firstLayers = layers;
    }
    const statements = await statementsOf(image, manifest.digest);
    if (statements.length === 0) continue;
    const attestation = attestationManifest(statements);
    blobs.push(...attestation.blobs);
    manifests.push(attestation.manifest);
    attached.push({
      ...descriptorOf(attestation.manifest),
      annotations: {
        "vnd.docker.reference.digest": manifest.digest,
        "vnd.docker.reference.type": "attestation-manifest",
      },
      platform: { os: "unknown", architecture: "unknown" },
    });
  }
  const [only] = manifests;
  if (firstConfig === undefined || only === undefined) throw new Error("there is no image to export");
  const needsIndex =
    options.index === true ||
    entries.length > 1 ||
    attached.length > 0 ||
    options.annotations.some(({ level }) => level === "index");
  const root = needsIndex
    ? documentBlob(
        {
          schemaVersion: 2,
          mediaType: form.index,
          manifests: [...entries, ...attached],
          ...annotationsOf(options.annotations, "index", undefined),
        },
        form.index,
      )
    : only;
  return {
    root,
    blobs: unique(blobs),
    manifests: needsIndex ? manifests : [],
    config: firstConfig,
    layers: firstLayers,
  };
}

/** A platform and nothing else: what it was taken from may hold more. */
function plainPlatform({ architecture, os, variant, "os.version": version }: Platform): Platform {
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { "os.version": version }),
  };
}

/** What an index says of a blob. */
export function descriptorOf({ mediaType, digest, sizeBytes }: Blob): Descriptor {
  return { mediaType, digest, size: sizeBytes };
}

function unique(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** A manifest whose layers are statements (docs/attestations/attestation-storage.md of BuildKit). */
function attestationManifest(statements: readonly AttachedStatement[]): {
  readonly manifest: Blob;
  readonly blobs: readonly Blob[];
} {
  const layers = statements.map(({ statement }) => bytesBlob(statement, inTotoType));
  const config = documentBlob(
    {
      architecture: "unknown",
      os: "unknown",
      config: {},
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    },
    types.oci.config,
  );
  const manifest = documentBlob(
    {
      schemaVersion: 2,
      mediaType: types.oci.manifest,
      config: descriptorOf(config),
      layers: layers.map((layer, index) => ({
        ...descriptorOf(layer),
        annotations: { "in-toto.io/predicate-type": statements[index]?.predicateType ?? "" },
      })),
    },
    types.oci.manifest,
  );
  return { manifest, blobs: [...layers, config] };
}

function annotationsOf(
  annotations: readonly Annotation[],
  level: AnnotationLevel,
  platform: Platform | undefined,
): { readonly annotations?: Readonly<Record<string, string>> } {
  const wanted = annotations.filter(
    (annotation) =>
      annotation.level === level &&
      (annotation.platform === undefined ||
        (platform !== undefined && annotation.platform === formatPlatform(platform))),
  );
  if (wanted.length === 0) return {};
  return { annotations: Object.fromEntries(wanted.map(({ key, value }) => [key, value])) };
}

function checkAnnotations(images: readonly BuiltImage[], annotations: readonly Annotation[]): void {
  const platforms = images.map(({ platform }) => formatPlatform(platform));
  for (const { level, platform, key } of annotations) {
    if (platform !== undefined && level.startsWith("manifest") && !platforms.includes(platform)) {
      throw errors["export-option"]("image", `annotation ${key}`, `the platform ${platform} is not built`);
    }
  }
}

/** The name under which an archive's index holds an image. */
export function archiveIndexEntry(
  packed: PackedImage,
  name: { readonly canonical: string } | undefined,
  created: string | undefined,
): Descriptor {
  const tag = name === undefined ? undefined : name.canonical.slice(name.canonical.lastIndexOf(":") + 1);
  return {
    ...descriptorOf(packed.root),
    annotations: {
      ...(name === undefined
        ? {}
        : { "io.containerd.image.name": name.canonical, "org.opencontainers.image.ref.name": tag ?? "latest" }),
      ...(created === undefined ? {} : { "org.opencontainers.image.created": created }),
    },
  };
}
