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
  /** The manifest it came with, if it did. */
  readonly manifest: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
  /** Fully qualified. */
  readonly tags: readonly string[];
};

/** An index to be written with the images of it that are here, the one for this machine first. */
export type IndexToSave = {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly members: readonly ImageToSave[];
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

type LayerMember = { readonly descriptor: Descriptor; readonly contents: () => AsyncIterable<Uint8Array> };

/** A layer without compression, which is always to be had. */
function plainLayer(layers: LayerStore, diffId: Digest, mediaType: string = mediaTypes.ociLayer): LayerMember {
  const descriptor = { mediaType, digest: diffId, size: layers.tarSizeOf(diffId) };
  return { descriptor, contents: () => layers.tarOf(diffId) };
}

/** The layers as the image's own manifest names them; undefined unless each is to be had in just that form. */
function originalLayers(image: ImageToSave, layers: LayerStore): readonly LayerMember[] | undefined {
  if (image.manifest === undefined) return undefined;
  // It was checked when it came in.
  const manifest = JSON.parse(Buffer.from(image.manifest.bytes).toString("utf8")) as ImageManifest;
  const diffIds = image.config.rootfs.diff_ids;
  if (manifest.config.digest !== digestOf(image.configBytes) || manifest.layers.length !== diffIds.length) {
    return undefined;
  }
  const members: LayerMember[] = [];
  for (const [index, diffId] of diffIds.entries()) {
    const descriptor = manifest.layers[index] as Descriptor;
    const packed = layers.packedOf(diffId).find(({ digest }) => digest === descriptor.digest);
    if (packed !== undefined) members.push({ descriptor, contents: () => layers.openPacked(diffId, packed) });
    else if (descriptor.digest === diffId) members.push(plainLayer(layers, diffId, descriptor.mediaType));
    else return undefined;
  }
  return members;
}

/** The documents of a saved archive (moby: image/tarexport/save.go). */
function describe(images: readonly ImageToSave[], indexes: readonly IndexToSave[], layers: LayerStore) {
  const blobs = new Map<Digest, Member>();
  const dockerManifest: unknown[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  const top: OciIndex = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
  const addDocument = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    blobs.set(digest, { path: blobPath(digest), sizeBytes: bytes.byteLength, contents: () => bytesOf(bytes) });
    return digest;
  };
  const addImage = (image: ImageToSave) => {
    const originals = originalLayers(image, layers);
    const members = originals ?? image.config.rootfs.diff_ids.map((diffId) => plainLayer(layers, diffId));
    for (const { descriptor, contents } of members) {
      const { digest, size: sizeBytes } = descriptor;
      blobs.set(digest, { path: blobPath(digest), sizeBytes, contents });
    }
    const configDigest = addDocument(image.configBytes);
    const { bytes, mediaType } =
      originals === undefined || image.manifest === undefined
        ? newManifest(image, members, configDigest)
        : image.manifest;
    const descriptor: Descriptor = { mediaType, digest: addDocument(bytes), size: bytes.byteLength };
    return { descriptor, members, configDigest, isOriginal: originals !== undefined };
  };
  /** Names it in `index.json`, and the image in what docker-archives have for that. */
  const list = (
    descriptor: Descriptor,
    tags: readonly string[],
    image: ImageToSave,
    { members, configDigest }: Pick<ReturnType<typeof addImage>, "members" | "configDigest">,
  ) => {
    const diffIds = image.config.rootfs.diff_ids;
    const references = tags.map((tag) => parseReference(tag));
    if (references.length === 0) top.manifests.push(descriptor);
    for (const reference of references) {
      const tag = reference.tag ?? "latest";
      top.manifests.push({
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
      Layers: members.map(({ descriptor: layer }) => blobPath(layer.digest)),
      LayerSources: Object.fromEntries(diffIds.map((diffId, at) => [diffId, members[at]?.descriptor])),
    });
  };
  for (const image of images) {
    const added = addImage(image);
    list(added.descriptor, image.tags, image, added);
  }
  for (const index of indexes) {
    const [first, ...others] = index.members;
    if (first === undefined) continue;
    const added = addImage(first);
    const all = [{ image: first, ...added }, ...others.map((image) => ({ image, ...addImage(image) }))];
    // What is not here of an index is left out; the index stays what it is as long as it names what is here.
    const { bytes, mediaType } = all.every(({ isOriginal }) => isOriginal) ? index : newIndex(all);
    list({ mediaType, digest: addDocument(bytes), size: bytes.byteLength }, index.tags, first, added);
  }
  return { blobs, dockerManifest, repositories, index: top };
}

function newIndex(images: readonly { readonly image: ImageToSave; readonly descriptor: Descriptor }[]) {
  const index: OciIndex = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: images.map(({ image: { config }, descriptor }) => ({
      ...descriptor,
      platform: {
        architecture: config.architecture,
        os: config.os,
        ...(config.variant === undefined ? {} : { variant: config.variant }),
      },
    })),
  };
  return { bytes: json(index), mediaType: mediaTypes.ociIndex };
}

function newManifest(image: ImageToSave, layers: readonly LayerMember[], configDigest: Digest) {
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: configDigest, size: image.configBytes.byteLength },
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return { bytes: json(manifest), mediaType: mediaTypes.ociManifest };
}

/**
 * Writes images as Docker ≥ 25 does: a docker-archive (manifest.json) that is an OCI layout too (index.json). An image
 * whose layers are kept as they came goes out with the manifest and blobs it came with, another with uncompressed
 * layers; an index with all of it that is here. Everything is verified while it is read. Deterministic.
 */
export async function* saveImages(
  images: readonly ImageToSave[],
  indexes: readonly IndexToSave[],
  layers: LayerStore,
): AsyncGenerator<Uint8Array> {
  const { blobs, dockerManifest, repositories, index } = describe(images, indexes, layers);
  const all = [...images, ...indexes.flatMap(({ members }) => members)];
  const mtimeSeconds = Math.max(0, ...all.map((image) => createdSeconds(image.config)));
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
