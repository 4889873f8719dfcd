import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { type Digest, digestOf, isDigest, newId } from "#base";
import type { RemoteRepository } from "#registry";
import type { CacheDirectory } from "../../contract.ts";
import { type Blob, bytesBlob } from "../../export/blob.ts";

/** A document by its digest, as registries and layouts store it. */
export type PlacedManifest = { readonly mediaType: string; readonly text: string };

/** A place that caches are exported to and imported from. */
export type CachePlace = {
  /** For messages. */
  readonly name: string;
  /** The cache's config itself stands under the name, without a manifest around it: BuildKit's way where there are no registries. */
  readonly keepsDocuments?: boolean;
  /** The manifest under the place's tag; undefined when there is none. */
  manifest(signal: AbortSignal): Promise<PlacedManifest | undefined>;
  blob(digest: Digest, sizeBytes: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Stores a blob unless it is there; says whether it was sent. */
  putBlob(blob: Blob, signal: AbortSignal): Promise<boolean>;
  putManifest(manifest: PlacedManifest, signal: AbortSignal): Promise<Digest>;
  /** Nothing more is put there; `isWhole` is false when something failed on the way. */
  finish?(isWhole: boolean): Promise<void>;
  /** What the client is told of what was put there. */
  facts?(): Readonly<Record<string, string>>;
};

/** A cache's config or an image's is no larger. */
export const documentLimit: number = 64 * 1024 * 1024;

const indexSchema = v.object({
  manifests: v.array(
    v.object({
      mediaType: v.string(),
      digest: v.string(),
      size: v.number(),
      annotations: v.optional(v.record(v.string(), v.string())),
    }),
  ),
});

const referenceName = "org.opencontainers.image.ref.name";
const readBytes = 256 * 1024;

/**
 * A directory in OCI's image layout (image-layout.md), as BuildKit's local cache has it.
 * @param wanted the manifest to read, instead of the tag's
 */
export function localPlace(directory: string, tag: string, wanted?: string): CachePlace {
  const blobPath = (digest: Digest) => join(directory, "blobs", ...digest.split(":"));
  const readIndex = () => {
    const path = join(directory, "index.json");
    if (!existsSync(path)) return { manifests: [] };
    const parsed = v.safeParse(indexSchema, JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? parsed.output : { manifests: [] };
  };
  const put = (path: string, write: (draft: string) => void) => {
    mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
    const draft = `${path}.${newId().slice(0, 8)}`;
    try {
      write(draft);
      renameSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  };
  return {
    name: directory,
    manifest: async () => {
      const found = readIndex().manifests.find(({ annotations, digest }) =>
        wanted === undefined ? annotations?.[referenceName] === tag : digest === wanted,
      );
      if (found === undefined || !isDigest(found.digest) || !existsSync(blobPath(found.digest))) return undefined;
      return { mediaType: found.mediaType, text: readFileSync(blobPath(found.digest), "utf8") };
    },
    blob: async function* (digest) {
      const file = await open(blobPath(digest), "r");
      try {
        for (let position = 0; ;) {
          const buffer = Buffer.allocUnsafe(readBytes);
          const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
          if (bytesRead === 0) return;
          position += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    },
    putBlob: async (blob, signal) => {
      const path = blobPath(blob.digest);
      if (existsSync(path)) return false;
      mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
      const draft = `${path}.${newId().slice(0, 8)}`;
      const file = await open(draft, "wx", 0o644);
      try {
        for await (const chunk of blob.open()) {
          signal.throwIfAborted();
          await file.write(chunk);
        }
        await file.close();
        renameSync(draft, path);
      } finally {
        await file.close();
        rmSync(draft, { force: true });
      }
      return true;
    },
    putManifest: async ({ mediaType, text }) => {
      const digest = digestOf(text);
      put(blobPath(digest), (draft) => writeFileSync(draft, text));
      const others = readIndex().manifests.filter(({ annotations }) => annotations?.[referenceName] !== tag);
      const entry = { mediaType, digest, size: Buffer.byteLength(text), annotations: { [referenceName]: tag } };
      const index = {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [...others, entry],
      };
      put(join(directory, "oci-layout"), (draft) => writeFileSync(draft, '{"imageLayoutVersion":"1.0.0"}'));
      put(join(directory, "index.json"), (draft) => writeFileSync(draft, JSON.stringify(index)));
      return digest;
    },
  };
}

/**
 * A directory of a client's, which reads and writes its index itself.
 * @param wanted the manifest that the client's index names; undefined when it names none
 */
export function clientPlace(held: CacheDirectory, name: string, wanted: string | undefined): CachePlace {
  let facts: Readonly<Record<string, string>> = {};
  return {
    name,
    manifest: async (signal) => {
      if (wanted === undefined || !isDigest(wanted)) return undefined;
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of held.blob(wanted, signal)) {
        size += chunk.length;
        if (size > documentLimit) throw new Error(`the cache's manifest ${wanted} is too large`);
        chunks.push(chunk);
      }
      const text = Buffer.concat(chunks).toString("utf8");
      if (digestOf(text) !== wanted) throw new Error(`the cache's manifest ${wanted} has other content`);
      const { mediaType } = v.parse(v.object({ mediaType: v.optional(v.string(), "") }), JSON.parse(text));
      return { mediaType, text };
    },
    blob: (digest, _size, signal) => held.blob(digest, signal),
    putBlob: (blob, signal) => held.putBlob(blob, signal),
    finish: async (isWhole) => held.finish?.(isWhole),
    facts: () => facts,
    putManifest: async ({ mediaType, text }, signal) => {
      const manifest = bytesBlob(Buffer.from(text), mediaType);
      const { digest, sizeBytes } = manifest;
      await held.putBlob(manifest, signal);
      // By this BuildKit's clients write the index (cache/remotecache: ExporterResponseManifestDesc).
      const descriptor = JSON.stringify({ mediaType, digest, size: sizeBytes });
      facts = { "cache.manifest": descriptor, [`cache.manifest:${name}`]: descriptor };
      return digest;
    },
  };
}

/** A tag of a registry's repository. */
export function registryPlace(repository: RemoteRepository, tag: string): CachePlace {
  return {
    name: `${repository.name}:${tag}`,
    manifest: async (signal) => {
      const { bytes, mediaType } = await repository.manifest(tag, signal);
      return { mediaType, text: Buffer.from(bytes).toString("utf8") };
    },
    blob: (digest, sizeBytes, signal) =>
      repository.blob({ digest, size: sizeBytes, mediaType: "application/octet-stream" }, { signal }),
    putBlob: async (blob, signal) => {
      if (await repository.hasBlob(blob.digest, signal)) return false;
      await repository.upload({ digest: blob.digest, sizeBytes: blob.sizeBytes, open: blob.open }, { signal });
      return true;
    },
    putManifest: ({ mediaType, text }, signal) =>
      repository.putManifest({ bytes: Buffer.from(text), mediaType }, tag, signal),
  };
}
