import type { Digest } from "#base";
import type { Descriptor, ImageIndex, ImageManifest, Platform } from "#formats";
import type { ImageDocument, ImageRecord, ImageStore } from "#images";

/** One manifest that an image's name stands for, whether what it names is here or not. */
export type ImageManifestView = {
  readonly descriptor: Descriptor;
  /** The image itself, when it is here. */
  readonly image: ImageRecord | undefined;
  /** Bytes of documents and of layers in the form they came in that are here. */
  readonly contentBytes: number;
} & (
  | { readonly kind: "image"; readonly platform: Platform }
  | { readonly kind: "attestation"; readonly of: string }
  | { readonly kind: "unknown" }
);

/** BuildKit's marks of what is said about another manifest (docs/attestations/attestation-storage.md). */
const REFERENCE_TYPE = "vnd.docker.reference.type";
const REFERENCE_DIGEST = "vnd.docker.reference.digest";

/** Manifests that a name stands for: those of its index, or the one it has. */
export function manifestViews(store: ImageStore, reference: string): readonly ImageManifestView[] {
  const { catalog } = store;
  const index = catalog.indexOf(reference);
  if (index === undefined) {
    const image = catalog.get(reference);
    const manifest = catalog.manifestOf(image.id);
    if (manifest === undefined) return [];
    const descriptor = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.byteLength };
    return [viewOf(store, descriptor, image, manifest)];
  }
  // It was checked when it came in.
  const { manifests } = JSON.parse(Buffer.from(index.bytes).toString("utf8")) as ImageIndex;
  return manifests.map((descriptor) =>
    viewOf(store, descriptor, index.images.get(descriptor.digest), catalog.document(descriptor.digest)),
  );
}

function viewOf(
  store: ImageStore,
  descriptor: Descriptor,
  image: ImageRecord | undefined,
  document: ImageDocument | undefined,
): ImageManifestView {
  const common = { descriptor, image, contentBytes: image === undefined ? 0 : contentBytes(store, image, document) };
  const { platform, annotations = {} } = descriptor;
  if (annotations[REFERENCE_TYPE] === "attestation-manifest") {
    return { ...common, kind: "attestation", of: annotations[REFERENCE_DIGEST] ?? "" };
  }
  if (platform !== undefined && platform.os !== "unknown") return { ...common, kind: "image", platform };
  if (image === undefined) return { ...common, kind: "unknown" };
  const { os, architecture, variant } = image.config;
  return { ...common, kind: "image", platform: { architecture, os, ...(variant === undefined ? {} : { variant }) } };
}

function contentBytes(store: ImageStore, image: ImageRecord, document: ImageDocument | undefined): number {
  const config = store.catalog.configBytesOf(image.id).byteLength;
  if (document === undefined) return config;
  const { layers } = JSON.parse(Buffer.from(document.bytes).toString("utf8")) as ImageManifest;
  const kept = new Map<Digest, number>();
  for (const diffId of image.config.rootfs.diff_ids) {
    for (const { digest, sizeBytes } of store.layers.packedOf(diffId)) kept.set(digest, sizeBytes);
  }
  return layers.reduce((sum, { digest }) => sum + (kept.get(digest) ?? 0), document.bytes.byteLength + config);
}
