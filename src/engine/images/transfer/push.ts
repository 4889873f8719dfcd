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
import type { ImageProgress, ImageRecord } from "#images";
import type { RegistryCredentials, RemoteRepository } from "#registry";
import { errors } from "../../errors.ts";
import type { TransferParts } from "./parts.ts";
import { MOST_GUESSES, type PushCompression, pushLayer } from "./push-layer.ts";
import { readReference } from "./reference.ts";

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
