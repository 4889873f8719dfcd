import { createZstdCompress } from "node:zlib";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Digest, shortId } from "#base";
import {
  canonicalName,
  type Descriptor,
  familiarName,
  familiarRepository,
  type ImageManifest,
  type ImageReference,
  mediaTypes,
  parseReference,
  splitRepository,
} from "#formats";
import type { ImageProgress, ImageRecord, LayerBlob } from "#images";
import type { RegistryCredentials, RemoteRepository } from "#registry";
import { errors } from "../../errors.ts";
import { gzipBlocks } from "./gzip-blocks.ts";
import type { TransferParts } from "./parts.ts";
import { readReference } from "./reference.ts";

/** How layers travel that have not travelled yet. */
export type PushCompression = "gzip" | "zstd";

/** What to push. */
export type PushRequest = {
  /** A repository; every tag of it unless `tag` says which. */
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly credentials: RegistryCredentials;
  /** Push only what is for this platform. */
  readonly platform?: string | undefined;
  /** @default gzip */
  readonly compression?: PushCompression | undefined;
};

type LayerToPush = { readonly diffId: Digest; readonly original: Descriptor | undefined };

/** How many repositories or digests of a layer are asked about before it is sent. */
const MOST_GUESSES = 4;

async function* zstdCompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = createZstdCompress({ chunkSize: 256 * 1024 });
  const fed = pipeline(Readable.from(source, { objectMode: true }), encoder);
  fed.catch(() => {});
  try {
    for await (const chunk of encoder as AsyncIterable<Buffer>) yield chunk;
    await fed;
  } finally {
    encoder.destroy();
  }
}

function isZstd(mediaType: string): boolean {
  return mediaType.endsWith("zstd");
}

/** What a layer is called in a manifest; zstd has a name in OCI's only. */
function mediaTypeOf(compression: PushCompression): string {
  return compression === "zstd" ? mediaTypes.ociLayerZstd : mediaTypes.dockerLayerGzip;
}

/** Sees to it that the registry has one layer, the cheapest way there is. */
async function pushLayer(
  parts: TransferParts,
  repository: RemoteRepository,
  layer: LayerToPush,
  compression: PushCompression | undefined,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { diffId, original } = layer;
  const { layers, blobs } = parts.store;
  const id = shortId(diffId);
  const say = (status: string) => progress({ status, id, progress: {} });
  const { domain } = splitRepository(repository.name);
  const fits = (blob: { readonly mediaType: string }) =>
    compression === undefined || isZstd(blob.mediaType) === (compression === "zstd");
  const known = blobs.of(diffId).filter(fits);
  const there = (blob: Omit<LayerBlob, "diffId" | "repository">): Descriptor => {
    blobs.add([{ ...blob, diffId, repository: repository.name }]);
    return { mediaType: blob.mediaType, digest: blob.digest, size: blob.sizeBytes };
  };

  const asked = new Set<Digest>();
  const isThere = async (blob: Omit<LayerBlob, "diffId" | "repository">) => {
    if (asked.has(blob.digest)) return false;
    asked.add(blob.digest);
    return repository.hasBlob(blob.digest, signal);
  };
  // 1. What this repository is known to have, or should have by the image's manifest.
  const inRepository = known.filter((blob) => blob.repository === repository.name);
  const byManifest =
    original === undefined || !fits(original)
      ? []
      : [{ digest: original.digest, sizeBytes: original.size, mediaType: original.mediaType }];
  // The manifest's own form first: with it the manifest can stay as it is.
  for (const blob of [...byManifest, ...inRepository].slice(0, MOST_GUESSES)) {
    if (await isThere(blob)) {
      say("Layer already exists");
      return there(blob);
    }
    const wrong = inRepository.find(({ digest }) => digest === blob.digest);
    if (wrong !== undefined) blobs.forget(wrong);
  }
  // 2. Another repository of this registry.
  const elsewhere = known.filter(
    (blob) => blob.repository !== repository.name && splitRepository(blob.repository).domain === domain,
  );
  for (const blob of elsewhere.slice(0, MOST_GUESSES)) {
    const from = splitRepository(blob.repository).path;
    if (await repository.mountBlob(blob.digest, from, signal)) {
      say(`Mounted from ${from}`);
      return there(blob);
    }
  }
  // 3. A form it has at another registry: ours are made alike everywhere.
  for (const blob of known
    .filter((other) => splitRepository(other.repository).domain !== domain)
    .slice(0, MOST_GUESSES)) {
    if (await isThere(blob)) {
      say("Layer already exists");
      return there(blob);
    }
  }
  say("Waiting");
  return parts.uploadSlots.run(async () => {
    signal.throwIfAborted();
    const total = layers.tarSizeOf(diffId);
    const pack = compression === "zstd" ? zstdCompressed : gzipBlocks;
    let told = 0;
    let read = 0;
    async function* tar(): AsyncGenerator<Uint8Array> {
      read = 0;
      for await (const chunk of layers.tarOf(diffId)) {
        signal.throwIfAborted();
        read += chunk.length;
        yield chunk;
      }
    }
    const source = { open: () => pack(tar()) };
    progress({ status: "Pushing", id, progress: { current: 0, total } });
    const { digest, sizeBytes } = await repository.upload(source, {
      signal,
      onBytes: () => {
        if (performance.now() - told < 100) return;
        told = performance.now();
        progress({ status: "Pushing", id, progress: { current: read, total } });
      },
    });
    say("Pushed");
    return there({ digest, sizeBytes, mediaType: mediaTypeOf(compression ?? "gzip") });
  });
}

/** The manifest for an image at a registry: its own where the layers are the same, a new one otherwise. */
function manifestFor(
  image: ImageRecord,
  configSize: number,
  layers: readonly Descriptor[],
  original: { readonly document: ImageManifest; readonly bytes: Uint8Array; readonly mediaType: string } | undefined,
): { readonly bytes: Uint8Array; readonly mediaType: string } {
  const isSame =
    original !== undefined &&
    original.document.config.digest === image.id &&
    original.document.layers.length === layers.length &&
    original.document.layers.every((layer, index) => layer.digest === layers[index]?.digest);
  if (isSame) return { bytes: original.bytes, mediaType: original.mediaType };
  const isDocker = layers.every(
    ({ mediaType }) => mediaType === mediaTypes.dockerLayerGzip || /image\.rootfs\.foreign\.diff/.test(mediaType),
  );
  const mediaType = isDocker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const inOci = (descriptor: Descriptor): Descriptor =>
    descriptor.mediaType === mediaTypes.dockerLayerGzip
      ? { ...descriptor, mediaType: mediaTypes.ociLayerGzip }
      : descriptor.mediaType === mediaTypes.dockerLayer
        ? { ...descriptor, mediaType: mediaTypes.ociLayer }
        : descriptor;
  const inDocker = (descriptor: Descriptor): Descriptor => descriptor;
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: isDocker ? mediaTypes.dockerConfig : mediaTypes.ociConfig,
      size: configSize,
      digest: image.id,
    },
    layers: layers.map(isDocker ? inDocker : inOci),
  };
  return { bytes: Buffer.from(JSON.stringify(manifest, null, 3)), mediaType };
}

async function pushOne(
  parts: TransferParts,
  repository: RemoteRepository,
  reference: ImageReference,
  image: ImageRecord,
  compression: PushCompression | undefined,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<void> {
  const { catalog, layers: store } = parts.store;
  const { documents } = await parts.registry();
  const tag = reference.tag ?? "latest";
  const diffIds = image.config.rootfs.diff_ids;
  using lease = store.lease(diffIds);
  const kept = catalog.manifestOf(image.id);
  const name = familiarName(reference);
  const parsed = kept === undefined ? undefined : documents.parseManifest(kept.bytes, kept.mediaType, name);
  const original =
    kept !== undefined && parsed?.kind === "image" && parsed.manifest.layers.length === diffIds.length
      ? { ...kept, document: parsed.manifest }
      : undefined;
  const order = [...diffIds.entries()].reverse();
  for (const [, diffId] of order) progress({ status: "Preparing", id: shortId(diffId), progress: {} });

  const finish = (digest: Digest, sizeBytes: number) => {
    progress({ status: `${tag}: digest: ${digest} size: ${sizeBytes}` });
    progress({ aux: { Tag: tag, Digest: digest, Size: sizeBytes } });
  };
  // What the tag stands for already needs no more than to be told.
  if (original !== undefined && compression === undefined) {
    const there = await repository.digestOf(tag, signal);
    if (there === original.digest) {
      for (const [, diffId] of order) progress({ status: "Layer already exists", id: shortId(diffId), progress: {} });
      finish(there, original.bytes.byteLength);
      return;
    }
  }

  const sent = new Map<Digest, Promise<Descriptor>>();
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const push = (diffId: Digest, index: number): Promise<Descriptor> => {
    const before = sent.get(diffId);
    if (before !== undefined) return before;
    const descriptor = original?.document.layers[index];
    // Foreign layers stay where they are.
    const isElsewhere = descriptor !== undefined && documents.isForeign(descriptor) && descriptor.urls !== undefined;
    const pushed = isElsewhere
      ? Promise.resolve(descriptor)
      : pushLayer(parts, repository, { diffId, original: descriptor }, compression, progress, all);
    sent.set(diffId, pushed);
    return pushed;
  };
  const results = await Promise.allSettled(
    order.map(async ([index, diffId]) => {
      try {
        return { index, descriptor: await push(diffId, index) };
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  const layers: Descriptor[] = [];
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
    layers[result.value.index] = result.value.descriptor;
  }
  const configBytes = catalog.configBytesOf(image.id);
  if (!(await repository.hasBlob(image.id, signal))) {
    await repository.upload(
      {
        digest: image.id,
        sizeBytes: configBytes.byteLength,
        async *open() {
          yield configBytes;
        },
      },
      { signal },
    );
  }
  const manifest = manifestFor(image, configBytes.byteLength, layers, original);
  const digest = await repository.putManifest(manifest, tag, signal);
  lease.release();
  if (catalog.find(image.id) !== undefined) catalog.addManifest(image.id, { repository: repository.name, ...manifest });
  finish(digest, manifest.bytes.byteLength);
}

/** Pushes a tag, or every tag of a repository. What the registry has already is not sent. */
export async function pushImages(
  parts: TransferParts,
  request: PushRequest,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<void> {
  const { client, documents } = await parts.registry();
  const platform =
    request.platform === undefined || request.platform === "" ? undefined : documents.parsePlatform(request.platform);
  const { repository: name } = readReference(request.repository);
  const familiar = familiarRepository(name);
  progress({ status: `The push refers to repository [${name}]` });
  const { catalog, blobs } = parts.store;
  const tags = catalog
    .list()
    .flatMap((image) =>
      image.repoTags
        .map((text) => ({ image, reference: parseReference(text) }))
        .filter(({ reference }) => reference.repository === name),
    );
  const wanted = request.tag === undefined ? tags : tags.filter(({ reference }) => reference.tag === request.tag);
  if (wanted.length === 0) {
    if (tags.length > 0 && request.tag !== undefined) throw errors.pushTagMissing(`${familiar}:${request.tag}`);
    throw errors.pushImageMissing(request.tag === undefined ? familiar : `${familiar}:${request.tag}`);
  }
  for (const { image, reference } of wanted) {
    if (platform === undefined || documents.fitsPlatform(platform, image.config)) continue;
    throw errors.imageOtherPlatform(
      familiarName(reference),
      documents.platformText(platform),
      documents.platformText(image.config),
    );
  }
  const { domain } = splitRepository(name);
  const sources = new Set<string>();
  for (const { image } of wanted) {
    for (const diffId of image.config.rootfs.diff_ids) {
      for (const blob of blobs.of(diffId)) {
        const source = splitRepository(blob.repository);
        if (blob.repository !== name && source.domain === domain && sources.size < MOST_GUESSES)
          sources.add(source.path);
      }
    }
  }
  const repository = client.repository(name, {
    credentials: request.credentials,
    access: "push",
    mountFrom: [...sources],
  });
  for (const { image, reference } of wanted.sort((a, b) =>
    canonicalName(a.reference) < canonicalName(b.reference) ? -1 : 1,
  )) {
    await pushOne(parts, repository, reference, image, request.compression, progress, signal);
    parts.events.emit({
      type: "image",
      action: "push",
      actor: { id: familiarName(reference), attributes: { ...image.config.config?.Labels, name: familiar } },
    });
  }
}
