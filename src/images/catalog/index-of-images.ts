import type { Digest } from "#base";
import { type Database, imageTable } from "#db";
import { familiarName, type ImageConfig, parseReference } from "#formats";
import type { ImageRecord } from "../contract.ts";
import { parseImageConfig } from "./image-config.ts";

/** An image as it is kept in memory. */
export type StoredImage = {
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly sizeBytes: number;
  parentId: Digest | undefined;
  manifestDigest: Digest | undefined;
  lastTaggedMs: number;
  /** Fully qualified names: tags and digest references. */
  readonly names: Set<string>;
};

/** The catalogue's tables and their mirror in memory: every change goes to both, the table first. */
export type ImageIndex = {
  readonly images: ReadonlyMap<Digest, StoredImage>;
  /** Fully qualified name → image. */
  readonly names: ReadonlyMap<string, Digest>;
  insert(image: {
    readonly id: Digest;
    readonly bytes: Uint8Array;
    readonly config: ImageConfig;
    readonly sizeBytes: number;
    readonly parentId: Digest | undefined;
  }): void;
  delete(id: Digest): void;
  setName(name: string, id: Digest): void;
  deleteName(name: string): void;
  setParent(id: Digest, parentId: Digest): void;
  setManifest(
    id: Digest,
    manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array },
  ): void;
  manifest(
    digest: Digest,
  ): { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array } | undefined;
  configBytes(id: Digest): Uint8Array;
  childrenOf(id: Digest): Digest[];
  /** All or nothing, for the table; callers check before they change. */
  transaction<T>(work: () => T): T;
};

/** Reads the tables. */
export function openImageIndex(database: Database): ImageIndex {
  const table = imageTable(database);
  const images = new Map<Digest, StoredImage>();
  const names = new Map<string, Digest>();
  const bytesOf = new Map<Digest, Uint8Array>();
  for (const row of table.all()) {
    images.set(row.id, {
      id: row.id,
      config: parseImageConfig(row.config),
      sizeBytes: row.size_bytes,
      parentId: row.parent_id ?? undefined,
      manifestDigest: row.manifest_digest ?? undefined,
      lastTaggedMs: row.last_tagged_ms,
      names: new Set(),
    });
    bytesOf.set(row.id, row.config);
  }
  for (const row of table.names()) {
    names.set(row.name, row.image_id);
    images.get(row.image_id)?.names.add(row.name);
  }

  const deleteName = (name: string) => {
    table.deleteName(name);
    const id = names.get(name);
    names.delete(name);
    if (id !== undefined) images.get(id)?.names.delete(name);
  };

  return {
    images,
    names,
    insert: ({ id, bytes, config, sizeBytes, parentId }) => {
      const lastTaggedMs = Date.now();
      table.insert({
        id,
        config: bytes,
        parent_id: parentId ?? null,
        manifest_digest: null,
        size_bytes: sizeBytes,
        last_tagged_ms: lastTaggedMs,
      });
      images.set(id, { id, config, sizeBytes, parentId, manifestDigest: undefined, lastTaggedMs, names: new Set() });
      bytesOf.set(id, bytes);
    },
    delete: (id) => {
      for (const name of images.get(id)?.names ?? []) deleteName(name);
      table.delete(id);
      table.deleteUnusedDocuments();
      images.delete(id);
      bytesOf.delete(id);
    },
    setName: (name, id) => {
      const now = Date.now();
      const before = names.get(name);
      table.setName(name, id);
      table.setLastTagged(id, now);
      if (before !== undefined) images.get(before)?.names.delete(name);
      names.set(name, id);
      const image = images.get(id);
      image?.names.add(name);
      if (image !== undefined) image.lastTaggedMs = now;
    },
    deleteName,
    setParent: (id, parentId) => {
      table.setParent(id, parentId);
      const image = images.get(id);
      if (image !== undefined) image.parentId = parentId;
    },
    setManifest: (id, manifest) => {
      table.putDocument({ digest: manifest.digest, media_type: manifest.mediaType, bytes: manifest.bytes });
      table.setManifest(id, manifest.digest);
      const image = images.get(id);
      if (image !== undefined) image.manifestDigest = manifest.digest;
    },
    manifest: (digest) => {
      const row = table.document(digest);
      return row === undefined ? undefined : { digest, mediaType: row.media_type, bytes: row.bytes };
    },
    configBytes: (id) => bytesOf.get(id) ?? new Uint8Array(),
    childrenOf: (id) => [...images.values()].flatMap((image) => (image.parentId === id ? [image.id] : [])),
    transaction: (work) => database.transaction(work),
  };
}

/** The image as others see it. */
export function recordOf(image: StoredImage): ImageRecord {
  const repoTags: string[] = [];
  const repoDigests: string[] = [];
  for (const name of image.names) {
    const reference = parseReference(name);
    (reference.digest === undefined ? repoTags : repoDigests).push(familiarName(reference));
  }
  return {
    id: image.id,
    config: image.config,
    manifestDigest: image.manifestDigest,
    sizeBytes: image.sizeBytes,
    repoTags: repoTags.sort(),
    repoDigests: repoDigests.sort(),
    parentId: image.parentId,
    lastTaggedMs: image.lastTaggedMs,
  };
}
