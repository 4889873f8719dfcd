import { type Digest, digestHex, digestOf } from "#base";
import {
  canonicalName,
  type Descriptor,
  familiarRepository,
  type ImageConfig,
  type ImageIndex as OciIndex,
  type ImageManifest,
  mediaTypes,
  parseReference,
} from "#formats";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import type { LayerStore } from "../contract.ts";

/** An image to be written: its config's bytes, and the tags it is written under. */
export type ImageToSave = {
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  /** Fully qualified. */
  readonly tags: readonly string[];
};

type Member = { readonly path: string; readonly sizeBytes: number; readonly contents: () => AsyncIterable<Uint8Array> };

async function* bytesOf(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/** Seconds since the epoch when an image was made; the mtime of its members, so that equal images save equally. */
function createdSeconds(config: ImageConfig): number {
  const ms = Date.parse(config.created ?? "");
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.floor(ms / 1000));
}

/** The documents of a saved archive (moby: image/tarexport/save.go). */
function describe(images: readonly ImageToSave[], layers: LayerStore) {
  const blobs = new Map<Digest, Member>();
  const dockerManifest: unknown[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  const index: OciIndex = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
  const addDocument = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    blobs.set(digest, { path: blobPath(digest), sizeBytes: bytes.byteLength, contents: () => bytesOf(bytes) });
    return digest;
  };
  for (const image of images) {
    const diffIds = image.config.rootfs.diff_ids;
    const descriptors: Descriptor[] = diffIds.map((diffId) => ({
      mediaType: mediaTypes.ociLayer,
      digest: diffId,
      size: layers.tarSizeOf(diffId),
    }));
    for (const descriptor of descriptors) {
      blobs.set(descriptor.digest, {
        path: blobPath(descriptor.digest),
        sizeBytes: descriptor.size,
        contents: () => layers.tarOf(descriptor.digest),
      });
    }
    const configDigest = addDocument(image.configBytes);
    const manifest: ImageManifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: configDigest, size: image.configBytes.byteLength },
      layers: descriptors,
    };
    const manifestBytes = json(manifest);
    const descriptor: Descriptor = {
      mediaType: mediaTypes.ociManifest,
      digest: addDocument(manifestBytes),
      size: manifestBytes.byteLength,
    };
    const references = image.tags.map((tag) => parseReference(tag));
    if (references.length === 0) index.manifests.push(descriptor);
    for (const reference of references) {
      const tag = reference.tag ?? "latest";
      index.manifests.push({
        ...descriptor,
        annotations: { "io.containerd.image.name": canonicalName(reference), "org.opencontainers.image.ref.name": tag },
      });
      const topLayer = diffIds.at(-1);
      if (topLayer === undefined) continue;
      const repository = familiarRepository(reference.repository);
      repositories[repository] = { ...repositories[repository], [tag]: digestHex(topLayer) };
    }
    dockerManifest.push({
      Config: blobPath(configDigest),
      RepoTags: references.map(
        (reference) => `${familiarRepository(reference.repository)}:${reference.tag ?? "latest"}`,
      ),
      Layers: diffIds.map(blobPath),
      LayerSources: Object.fromEntries(descriptors.map((layer) => [layer.digest, layer])),
    });
  }
  return { blobs, dockerManifest, repositories, index };
}

/**
 * Writes images as Docker ≥ 25 does: a docker-archive (manifest.json) that is an OCI layout too (index.json). Layers
 * are uncompressed and verified while they are read. Deterministic.
 */
export async function* saveImages(images: readonly ImageToSave[], layers: LayerStore): AsyncGenerator<Uint8Array> {
  const { blobs, dockerManifest, repositories, index } = describe(images, layers);
  const mtimeSeconds = Math.max(0, ...images.map((image) => createdSeconds(image.config)));
  const document = (path: string, value: unknown): Member => {
    const bytes = json(value);
    return { path, sizeBytes: bytes.byteLength, contents: () => bytesOf(bytes) };
  };
  const members: Member[] = [
    ...[...blobs.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    document("index.json", index),
    document("manifest.json", dockerManifest),
    document("oci-layout", { imageLayoutVersion: "1.0.0" }),
    document("repositories", repositories),
  ];
  for (const path of ["blobs/", "blobs/sha256/"]) {
    yield encodeTarHeader(plainTarHeader({ path, type: "directory", mtimeSeconds }));
  }
  for (const { path, sizeBytes, contents } of members) {
    yield encodeTarHeader(plainTarHeader({ path, type: "file", sizeBytes, mtimeSeconds }));
    yield* contents();
    const padding = tarPaddingOf(sizeBytes);
    if (padding > 0) yield new Uint8Array(padding);
  }
  yield tarEnd;
}
