import { createZstdCompress } from "node:zlib";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Digest, shortId } from "#base";
import { type Descriptor, mediaTypes, splitRepository } from "#formats";
import type { ImageProgress, LayerBlob } from "#images";
import type { RemoteRepository, UploadSource } from "#registry";
import { gzipBlocks } from "./gzip-blocks.ts";
import type { TransferParts } from "./parts.ts";

/** How layers travel that have not travelled yet. */
export type PushCompression = "gzip" | "zstd";

type LayerToPush = { readonly diffId: Digest; readonly original: Descriptor | undefined };

/** How many repositories or digests of a layer are asked about before it is sent. */
export const MOST_GUESSES = 4;

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
export async function pushLayer(
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
  const kept = layers
    .packedOf(diffId)
    .filter((packed) => compression === undefined || packed.compression === compression);
  const byManifest =
    original === undefined || !fits(original)
      ? []
      : [{ digest: original.digest, sizeBytes: original.size, mediaType: original.mediaType }];
  // The manifest's own form, where it is to be had, and no other: with it the manifest can stay as it is.
  const own = byManifest.find(
    ({ digest }) => digest === diffId || kept.some((packed) => packed.digest === digest),
  )?.digest;
  const isWanted = ({ digest }: { readonly digest: Digest }) => own === undefined || digest === own;
  // 1. What this repository is known to have, or should have by the image's manifest.
  const inRepository = known.filter((blob) => blob.repository === repository.name && isWanted(blob));
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
    (blob) =>
      blob.repository !== repository.name && splitRepository(blob.repository).domain === domain && isWanted(blob),
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
    .filter((other) => splitRepository(other.repository).domain !== domain && isWanted(other))
    .slice(0, MOST_GUESSES)) {
    if (await isThere(blob)) {
      say("Layer already exists");
      return there(blob);
    }
  }
  say("Waiting");
  return parts.uploadSlots.run(async () => {
    signal.throwIfAborted();
    /** Sends a form of the layer; `read` counts what has been read of it. */
    const send = async (source: UploadSource, total: number, read: () => number, mediaType: string) => {
      let told = 0;
      progress({ status: "Pushing", id, progress: { current: 0, total } });
      return repository.upload(source, {
        signal,
        // Killed before the answer, we ask for it the next time. It is only a memory: that answer decides.
        onSent: ({ digest, sizeBytes }) => void there({ digest, sizeBytes, mediaType }),
        onBytes: () => {
          if (performance.now() - told < 100) return;
          told = performance.now();
          progress({ status: "Pushing", id, progress: { current: Math.min(read(), total), total } });
        },
      });
    };
    const counted = (open: () => AsyncIterable<Uint8Array>) => {
      let read = 0;
      return {
        read: () => read,
        async *open(): AsyncGenerator<Uint8Array> {
          read = 0;
          for await (const chunk of open()) {
            signal.throwIfAborted();
            read += chunk.length;
            yield chunk;
          }
        },
      };
    };
    // 4. As it came: the manifest's own form before any other.
    const uncompressed = byManifest.find(({ digest }) => digest === diffId);
    if (uncompressed !== undefined) {
      const total = layers.tarSizeOf(diffId);
      const { read, open } = counted(() => layers.tarOf(diffId));
      await send({ digest: diffId, sizeBytes: total, open }, total, read, uncompressed.mediaType);
      say("Pushed");
      return there(uncompressed);
    }
    for (const packed of kept.toSorted((a, b) => Number(b.digest === own) - Number(a.digest === own))) {
      const { digest, sizeBytes } = packed;
      const { read, open } = counted(() => layers.openPacked(diffId, packed));
      const mediaType = byManifest.find((form) => form.digest === digest)?.mediaType ?? mediaTypeOf(packed.compression);
      try {
        await send({ digest, sizeBytes, open }, sizeBytes, read, mediaType);
      } catch (error) {
        signal.throwIfAborted();
        if (!(await isSpoilt(layers.openPacked(diffId, packed)))) throw error;
        // What is kept only for this is of no use any more; the layer itself is.
        layers.dropPacked(diffId, digest);
        continue;
      }
      say("Pushed");
      return there({ digest, sizeBytes, mediaType });
    }
    // 5. Packed anew.
    const pack = compression === "zstd" ? zstdCompressed : gzipBlocks;
    const { read, open } = counted(() => layers.tarOf(diffId));
    const mediaType = mediaTypeOf(compression ?? "gzip");
    const { digest, sizeBytes } = await send({ open: () => pack(open()) }, layers.tarSizeOf(diffId), read, mediaType);
    say("Pushed");
    return there({ digest, sizeBytes, mediaType });
  });
}

/** Whether the bytes that were kept are not what they were. */
async function isSpoilt(bytes: AsyncIterable<Uint8Array>): Promise<boolean> {
  try {
    for await (const _chunk of bytes);
    return false;
  } catch {
    return true; // damaged, or gone
  }
}
