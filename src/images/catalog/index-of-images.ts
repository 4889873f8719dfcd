import type { Digest } from "#base";
import { type Database, imageIndexTable, imageTable } from "#db";
import { familiarName, hostPlatform, type ImageConfig, parseReference, platformRank } from "#formats";
import type { ImageDocument, ImageRecord } from "../contract.ts";
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

/** The index that a name stands for, and the images of it that are here: each with the digest of its manifest. */
export type NamedIndex = { readonly digest: Digest; readonly members: ReadonlyMap<Digest, Digest> };

/** The catalogue's tables and their mirror in memory: every change goes to both, the table first. */
export type ImageIndex = {
  readonly images: ReadonlyMap<Digest, StoredImage>;
  /** Fully qualified name → image; of several platforms the one for this machine. */
  readonly names: ReadonlyMap<string, Digest>;
  /** Fully qualified name → the index it stands for, if it does. */
  readonly indexes: ReadonlyMap<string, NamedIndex>;
  insert(image: {
    readonly id: Digest;
    readonly bytes: Uint8Array;
    readonly config: ImageConfig;
    readonly sizeBytes: number;
    readonly parentId: Digest | undefined;
  }): void;
  delete(id: Digest): void;
  /** The name stands for this image alone from now on. */
  setName(name: string, id: Digest): void;
  /**
   * The name stands for an image of an index: beside the others of that index that are here, and no longer for those of
   * another index.
   */
  setIndexName(name: string, id: Digest, index: ImageDocument, manifestDigest: Digest): void;
  /** Gives a name everything that another stands for. */
  copyName(from: string, name: string): void;
  /** The name stands for nothing any more. */
  deleteName(name: string): void;
  /** The name no longer stands for this image; it goes with the last. */
  leaveName(name: string, id: Digest): void;
  /** All images a name stands for, the one for this machine first. */
  imagesOf(name: string): readonly StoredImage[];
  setParent(id: Digest, parentId: Digest): void;
  setManifest(id: Digest, manifest: ImageDocument): void;
  document(digest: Digest): ImageDocument | undefined;
  configBytes(id: Digest): Uint8Array;
  childrenOf(id: Digest): Digest[];
  /** All or nothing, for the table; callers check before they change. */
  transaction<T>(work: () => T): T;
};

/** How well an image suits this machine; the lower the better. */
function hostRank(image: StoredImage): number {
  return platformRank(hostPlatform(), image.config) ?? Number.POSITIVE_INFINITY;
}

/** Reads the tables. */
export function openImageIndex(database: Database): ImageIndex {
  const table = imageTable(database);
  const indexTable = imageIndexTable(database);
  const images = new Map<Digest, StoredImage>();
  const names = new Map<string, Digest>();
  const indexes = new Map<string, { readonly digest: Digest; readonly members: Map<Digest, Digest> }>();
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

  for (const { name, digest } of indexTable.all()) indexes.set(name, { digest, members: new Map() });
  for (const { name, image_id: id, manifest_digest: manifestDigest } of indexTable.members()) {
    indexes.get(name)?.members.set(id, manifestDigest);
    images.get(id)?.names.add(name);
  }

  /** Every image a name stands for forgets it. */
  const detach = (name: string) => {
    const id = names.get(name);
    for (const member of [...(id === undefined ? [] : [id]), ...(indexes.get(name)?.members.keys() ?? [])]) {
      images.get(member)?.names.delete(name);
    }
    indexes.delete(name);
  };

  const deleteName = (name: string) => {
    table.deleteName(name);
    detach(name);
    names.delete(name);
  };

  const touch = (id: Digest) => {
    const now = Date.now();
    table.setLastTagged(id, now);
    const image = images.get(id);
    if (image !== undefined) image.lastTaggedMs = now;
  };

  const setName = (name: string, id: Digest) => {
    indexTable.delete(name);
    table.setName(name, id);
    detach(name);
    names.set(name, id);
    images.get(id)?.names.add(name);
    touch(id);
  };

  const putDocument = ({ digest, mediaType, bytes }: ImageDocument) =>
    table.putDocument({ digest, media_type: mediaType, bytes });

  const findDocument = (digest: Digest): ImageDocument | undefined => {
    const row = table.document(digest);
    return row === undefined ? undefined : { digest, mediaType: row.media_type, bytes: row.bytes };
  };

  /** Of the images of an index the one for this machine is the one that is meant; of several others the last. */
  const choose = (name: string, latest: Digest | undefined) => {
    const members = [...(indexes.get(name)?.members.keys() ?? [])].flatMap((id) => images.get(id) ?? []);
    const rank = (image: StoredImage) => [hostRank(image), image.id === latest ? 0 : 1] as const;
    const [best] = members.sort((one, other) => {
      const [a, b] = [rank(one), rank(other)];
      return a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
    });
    if (best === undefined || names.get(name) === best.id) return;
    table.setName(name, best.id);
    names.set(name, best.id);
  };

  const setIndexName = (name: string, id: Digest, index: ImageDocument, manifestDigest: Digest) => {
    putDocument(index);
    if (indexes.get(name)?.digest !== index.digest) {
      setName(name, id);
      indexTable.put(name, index.digest);
      indexes.set(name, { digest: index.digest, members: new Map() });
    }
    indexTable.putMember({ name, image_id: id, manifest_digest: manifestDigest });
    indexes.get(name)?.members.set(id, manifestDigest);
    images.get(id)?.names.add(name);
    choose(name, id);
    touch(id);
  };

  const leaveName = (name: string, id: Digest) => {
    const members = indexes.get(name)?.members;
    if (members === undefined || !members.has(id) || members.size === 1) {
      deleteName(name);
      return;
    }
    indexTable.deleteMember(name, id);
    members.delete(id);
    images.get(id)?.names.delete(name);
    choose(name, undefined);
  };

  return {
    images,
    names,
    indexes,
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
      for (const name of Array.from(images.get(id)?.names ?? [])) leaveName(name, id);
      table.delete(id);
      table.deleteUnusedDocuments();
      images.delete(id);
      bytesOf.delete(id);
    },
    setName,
    setIndexName,
    copyName: (from, name) => {
      const id = names.get(from);
      if (id === undefined || from === name) return;
      const index = indexes.get(from);
      const document = index === undefined ? undefined : findDocument(index.digest);
      if (index === undefined || document === undefined) {
        setName(name, id);
        return;
      }
      // A name that stood for others of this index stands for just these afterwards.
      setName(name, id);
      for (const [member, manifestDigest] of index.members) setIndexName(name, member, document, manifestDigest);
    },
    deleteName,
    leaveName,
    imagesOf: (name) => {
      const first = names.get(name);
      const rest = [...(indexes.get(name)?.members.keys() ?? [])].filter((id) => id !== first);
      return (first === undefined ? rest : [first, ...rest]).flatMap((id) => images.get(id) ?? []);
    },
    setParent: (id, parentId) => {
      table.setParent(id, parentId);
      const image = images.get(id);
      if (image !== undefined) image.parentId = parentId;
    },
    setManifest: (id, manifest) => {
      putDocument(manifest);
      table.setManifest(id, manifest.digest);
      const image = images.get(id);
      if (image !== undefined) image.manifestDigest = manifest.digest;
    },
    document: findDocument,
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
