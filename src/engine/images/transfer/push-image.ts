import { type Digest, shortId } from "#base";
import { type Descriptor, type ImageManifest, mediaTypes } from "#formats";
import type { ImageDocument, ImageProgress, ImageRecord } from "#images";
import type { RemoteRepository } from "#registry";
import type { TransferParts } from "./parts.ts";
import { type PushCompression, pushLayer } from "./push-layer.ts";

/** A manifest's bytes, to be stored under a tag or its digest. */
export type PushedManifest = { readonly bytes: Uint8Array; readonly mediaType: string };

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

/** The lines that a push begins with, and that are all when nothing is to be sent. */
export function sayOfLayers(image: ImageRecord, status: string, progress: ImageProgress): void {
  for (const diffId of image.config.rootfs.diff_ids.toReversed()) {
    progress({ status, id: shortId(diffId), progress: {} });
  }
}

/**
 * Sees to it that a registry has an image's layers and config, and makes its manifest: the one it came with when the
 * layers are there in that form. Putting it there is left to the caller.
 * @param options.manifest the one it came with, if it did
 */
export async function sendImage(
  parts: TransferParts,
  repository: RemoteRepository,
  image: ImageRecord,
  options: {
    /** As the user knows it, for errors. */
    readonly name: string;
    readonly manifest: ImageDocument | undefined;
    readonly compression: PushCompression | undefined;
  },
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<PushedManifest> {
  const { catalog, layers: store } = parts.store;
  const { documents } = await parts.registry();
  const { name, manifest: kept, compression } = options;
  const diffIds = image.config.rootfs.diff_ids;
  using lease = store.lease(diffIds);
  const parsed = kept === undefined ? undefined : documents.parseManifest(kept.bytes, kept.mediaType, name);
  const original =
    kept !== undefined && parsed?.kind === "image" && parsed.manifest.layers.length === diffIds.length
      ? { ...kept, document: parsed.manifest }
      : undefined;
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
    [...diffIds.entries()].reverse().map(async ([index, diffId]) => {
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
  lease.release();
  return manifestFor(image, configBytes.byteLength, layers, original);
}
