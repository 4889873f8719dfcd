import { createHash } from "node:crypto";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createGzip, createZstdCompress, constants } from "node:zlib";
import { type Digest, digestOf, newId } from "#base";
import type { LayerStore } from "#images";
import { readAt } from "../context/tree.ts";
import type { ImageOptions } from "./choice.ts";

/** A piece of an image that can be written anywhere, more than once. */
export type Blob = {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly open: () => AsyncIterable<Uint8Array>;
};

/** A document as a blob. */
export function documentBlob(value: unknown, mediaType: string): Blob {
  return bytesBlob(Buffer.from(JSON.stringify(value)), mediaType);
}

/** Bytes as a blob. */
export function bytesBlob(bytes: Uint8Array, mediaType: string): Blob {
  return {
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    mediaType,
    open: async function* () {
      yield bytes;
    },
  };
}

/** Where compressed layers are kept while they are needed; `close` frees them. */
export type BlobStore = {
  /** A layer in the form the options ask for. Compressing it happens once. */
  layer(diffId: Digest, options: ImageOptions, signal: AbortSignal): Promise<Blob>;
  close(): void;
};

const readBytes = 256 * 1024;

/** Makes a store for one export. Files in `directory` have no name from the start: a crash leaves nothing behind. */
export function createBlobStore(layers: LayerStore, directory: string): BlobStore {
  const made = new Map<Digest, Promise<Blob>>();
  const open: number[] = [];

  const compress = async (diffId: Digest, options: ImageOptions, signal: AbortSignal): Promise<Blob> => {
    const path = join(directory, newId().slice(0, 16));
    const fd = openSync(path, "wx+", 0o600);
    unlinkSync(path);
    open.push(fd);
    const { compression, compressionLevel } = options;
    const stream =
      compression === "zstd"
        ? createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: compressionLevel ?? 3 } })
        : createGzip({ level: compressionLevel ?? 6 });
    const hash = createHash("sha256");
    let size = 0;
    const feed = (async () => {
      try {
        for await (const chunk of layers.tarOf(diffId)) {
          signal.throwIfAborted();
          if (!stream.write(chunk)) await new Promise<void>((resolve) => stream.once("drain", resolve));
        }
        stream.end();
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    })();
    for await (const chunk of stream) {
      const bytes = chunk as Uint8Array;
      hash.update(bytes);
      for (let written = 0; written < bytes.length;) {
        written += writeSync(fd, bytes, written, bytes.length - written, size + written);
      }
      size += bytes.length;
    }
    await feed;
    return {
      digest: `sha256:${hash.digest("hex")}`,
      sizeBytes: size,
      mediaType: layerType(options),
      open: async function* () {
        for (let position = 0; position < size;) {
          const buffer = Buffer.allocUnsafe(readBytes);
          const count = readAt(fd, buffer, position);
          if (count === 0) return;
          yield buffer.subarray(0, count);
          position += count;
        }
      },
    };
  };

  return {
    layer: (diffId, options, signal) => {
      if (options.compression === "uncompressed") {
        return Promise.resolve({
          digest: diffId,
          sizeBytes: layers.tarSizeOf(diffId),
          mediaType: layerType(options),
          open: () => layers.tarOf(diffId),
        });
      }
      let blob = made.get(diffId);
      if (blob === undefined) {
        blob = compress(diffId, options, signal);
        made.set(diffId, blob);
      }
      return blob;
    },
    close: () => {
      for (const fd of open.splice(0)) closeSync(fd);
    },
  };
}

function layerType({ compression, ociMediaTypes }: ImageOptions): string {
  if (ociMediaTypes) {
    const suffix = compression === "uncompressed" ? "" : `+${compression}`;
    return `application/vnd.oci.image.layer.v1.tar${suffix}`;
  }
  // Docker's own types know no zstd; whoever asks for it gets OCI's name for it, as BuildKit does.
  if (compression === "zstd") return "application/vnd.oci.image.layer.v1.tar+zstd";
  return `application/vnd.docker.image.rootfs.diff.tar${compression === "gzip" ? ".gzip" : ""}`;
}
