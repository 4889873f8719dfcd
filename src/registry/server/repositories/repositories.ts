import { KeyedMutex } from "#base";
import { type ContentDigest, contentDigestOf, digestParts, isContentDigest } from "../digest.ts";
import { serverErrors } from "../errors.ts";
import type { ByteRange, ObjectStore } from "../storage/object-store.ts";
import { createDigestsInUse, type DigestsInUse } from "./in-use.ts";
import { digestOfKey, keys, repositoryOfCatalogKey } from "./keys.ts";
import { type ManifestDocument, readManifest } from "./manifest-document.ts";

/** A manifest as it is served. */
export type StoredManifest = {
  readonly digest: ContentDigest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
};

/** A tag with when it was set, ms since the epoch. */
export type StoredTag = { readonly name: string; readonly digest: ContentDigest; readonly setMs: number };

/** A descriptor of the referrers API (distribution spec, "Listing Referrers"). */
export type ReferrerDescriptor = {
  readonly mediaType: string;
  readonly digest: ContentDigest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Everything a registry keeps, by repository. What is acknowledged is durable. */
export type Repositories = {
  /** Size of a blob the repository has; undefined when it has not. */
  findBlob(repository: string, digest: ContentDigest): Promise<{ readonly sizeBytes: number } | undefined>;
  /** A body for a response; the blob must be there. */
  blobBody(digest: ContentDigest, range?: ByteRange): Promise<Blob | ReadableStream<Uint8Array>>;
  /** Where the client may fetch the blob itself. */
  blobLink(digest: ContentDigest): string | undefined;
  /** All bytes of a small blob, whichever repository has it. */
  readBlob(digest: ContentDigest): Promise<Uint8Array | undefined>;
  /** Takes over a verified file as a blob of the repository; heals a damaged copy. */
  putBlob(repository: string, digest: ContentDigest, path: string): Promise<void>;
  /** Gives a repository a blob that is here already; false when it is not. */
  mountBlob(repository: string, digest: ContentDigest, from: string | undefined): Promise<boolean>;
  /** Takes a blob from the repository; throws when it has none. The bytes go with the next garbage collection. */
  deleteBlob(repository: string, digest: ContentDigest): Promise<void>;

  /** By tag or digest. */
  findManifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  /** As `findManifest`, without the bytes. */
  statManifest(
    repository: string,
    reference: string,
  ): Promise<{ readonly digest: ContentDigest; readonly mediaType: string; readonly sizeBytes: number } | undefined>;
  /**
   * Stores a manifest, under the tags given. Everything it names must be there, unless `sparse`.
   */
  putManifest(
    repository: string,
    manifest: {
      readonly bytes: Uint8Array;
      readonly contentType: string | undefined;
      readonly tags?: readonly string[];
      readonly expected?: ContentDigest | undefined;
      readonly sparse?: boolean;
    },
  ): Promise<{ readonly digest: ContentDigest; readonly document: ManifestDocument }>;
  /**
   * With all tags that name it; throws when there is none.
   * @param isDoomed asked under the repository's lock; false leaves everything as it is
   */
  deleteManifest(repository: string, digest: ContentDigest, isDoomed?: () => boolean): Promise<boolean>;
  /**
   * Throws when there is no such tag. The manifest stays.
   * @param expected leaves a tag alone that has been set since
   */
  deleteTag(repository: string, tag: string, expected?: StoredTag): Promise<boolean>;

  /** Names in lexical order, which the distribution spec reads as ignoring case ("Listing Tags"). */
  tags(repository: string): Promise<readonly string[]>;
  findTag(repository: string, tag: string): Promise<StoredTag | undefined>;
  /** Points a tag at a manifest that is there, or says that it still does. */
  setTag(repository: string, tag: string, digest: ContentDigest): Promise<void>;
  /** Digests of all manifests of a repository. */
  manifests(repository: string): Promise<readonly ContentDigest[]>;
  referrers(repository: string, subject: ContentDigest): Promise<readonly ReferrerDescriptor[]>;
  /** True once something was pushed to it and not all of it removed. */
  exists(repository: string): Promise<boolean>;
  /** Names of all repositories, sorted. */
  list(): Promise<readonly string[]>;

  /** Takes a repository without blobs, manifests and tags out of the list; false when it has some. */
  forgetEmpty(repository: string): Promise<boolean>;

  /** For the garbage collector. */
  readonly inUse: DigestsInUse;
  /** Runs alone among what changes the bytes of a digest. */
  exclusive<T>(key: string, work: () => Promise<T>): Promise<T>;
};

type ManifestFacts = { readonly mediaType: string; readonly size: number };

/** Ignoring case; names that differ in case alone by their bytes. */
export function lexically(left: string, right: string): number {
  const [a, b] = [left.toLowerCase(), right.toLowerCase()];
  if (a !== b) return a < b ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}

function toBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function fromBytes<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString()) as T;
}

/** The repositories kept in an object store. Only one server may have it open for writing. */
export function openRepositories(objects: ObjectStore, inUse: DigestsInUse = createDigestsInUse()): Repositories {
  const mutex = new KeyedMutex();
  /** Entries of the catalogue this process knows to be there. */
  const catalogued = new Set<string>();

  const enterCatalog = (repository: string) =>
    mutex.run(`catalog ${repository}`, async () => {
      if (catalogued.has(repository)) return;
      const key = keys.catalogEntry(repository);
      if ((await objects.find(key)) === undefined) await objects.write(key, new Uint8Array());
      catalogued.add(repository);
    });

  const isEmpty = async (repository: string): Promise<boolean> => {
    for (const prefix of [keys.layers(repository), keys.manifests(repository), keys.tags(repository)]) {
      for await (const key of objects.list(prefix)) return key === undefined;
    }
    return true;
  };

  const findTag = async (repository: string, tag: string): Promise<StoredTag | undefined> => {
    const key = keys.tag(repository, tag);
    const bytes = await objects.read(key);
    if (bytes === undefined) return undefined;
    const { digest } = fromBytes<{ digest: ContentDigest }>(bytes);
    return { name: tag, digest, setMs: (await objects.find(key))?.modifiedMs ?? 0 };
  };

  const resolve = async (repository: string, reference: string): Promise<ContentDigest | undefined> => {
    if (isContentDigest(reference)) return reference;
    const bytes = await objects.read(keys.tag(repository, reference));
    return bytes === undefined ? undefined : fromBytes<{ digest: ContentDigest }>(bytes).digest;
  };

  /** Under the digest's lock: the collector has either taken it already, or sees that it is wanted. */
  const findBlob: Repositories["findBlob"] = (repository, digest) =>
    mutex.run(digest, async () => {
      inUse.touch(digest);
      const [link, facts] = await Promise.all([
        objects.find(keys.layer(repository, digest)),
        objects.find(keys.blob(digest)),
      ]);
      return link === undefined || facts === undefined ? undefined : { sizeBytes: facts.sizeBytes };
    });

  const findManifest: Repositories["findManifest"] = async (repository, reference) => {
    const digest = await resolve(repository, reference);
    if (digest === undefined) return undefined;
    const [link, bytes] = await Promise.all([
      objects.read(keys.manifest(repository, digest)),
      objects.read(keys.blob(digest)),
    ]);
    if (link === undefined || bytes === undefined) return undefined;
    // A flipped bit is never served.
    if (contentDigestOf(bytes, digestParts(digest).algorithm) !== digest) return undefined;
    return { digest, mediaType: fromBytes<ManifestFacts>(link).mediaType, bytes };
  };

  const checkReferences = async (repository: string, document: ManifestDocument): Promise<void> => {
    const wanted = [
      ...document.blobs.filter((blob) => !blob.foreign).map((blob) => ({ ...blob, isManifest: false })),
      ...document.manifests.filter((entry) => !entry.foreign).map((entry) => ({ ...entry, isManifest: true })),
    ];
    const missing: string[] = [];
    for (const { digest, isManifest, size } of wanted) {
      inUse.touch(digest);
      if (isManifest) {
        if ((await objects.find(keys.manifest(repository, digest))) === undefined) missing.push(digest);
        continue;
      }
      const facts = await findBlob(repository, digest);
      if (facts === undefined) missing.push(digest);
      else if (facts.sizeBytes !== size) {
        throw serverErrors.servedManifestInvalid(`${digest} has ${facts.sizeBytes} bytes, not ${size}`);
      }
    }
    if (missing.length > 0) throw serverErrors.servedManifestBlobUnknown(missing.slice(0, 10).join(", "));
  };

  const putManifest: Repositories["putManifest"] = async (repository, manifest) => {
    const { bytes, tags = [], expected, sparse = false } = manifest;
    const digest = contentDigestOf(bytes, expected === undefined ? "sha256" : digestParts(expected).algorithm);
    if (expected !== undefined && digest !== expected) {
      throw serverErrors.servedDigestInvalid(`the manifest's bytes have ${digest}, not ${expected}`);
    }
    const document = readManifest(bytes, manifest.contentType);
    return mutex.run(`repository ${repository}`, async () => {
      if (!sparse) await checkReferences(repository, document);
      await mutex.run(digest, async () => {
        inUse.touch(digest);
        await objects.write(keys.blob(digest), bytes);
      });
      await enterCatalog(repository);
      inUse.touch(digest);
      const facts: ManifestFacts = { mediaType: document.mediaType, size: bytes.byteLength };
      // What refers to the subject is found before the manifest itself is: a crash in between leaves a descriptor that
      // `referrers` skips.
      if (document.subject !== undefined) {
        const descriptor: ReferrerDescriptor = {
          mediaType: document.mediaType,
          digest,
          size: bytes.byteLength,
          ...(document.artifactType === undefined ? {} : { artifactType: document.artifactType }),
          ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
        };
        await objects.write(keys.referrer(repository, document.subject, digest), toBytes(descriptor));
      }
      await objects.write(keys.manifest(repository, digest), toBytes(facts));
      for (const tag of tags) await objects.write(keys.tag(repository, tag), toBytes({ digest }));
      return { digest, document };
    });
  };

  const deleteManifest: Repositories["deleteManifest"] = (repository, digest, isDoomed = () => true) =>
    mutex.run(`repository ${repository}`, async () => {
      if (!isDoomed()) return false;
      const key = keys.manifest(repository, digest);
      const link = await objects.read(key);
      if (link === undefined) throw serverErrors.servedManifestUnknown(digest);
      for await (const tagKey of objects.list(keys.tags(repository))) {
        const bytes = await objects.read(tagKey);
        if (bytes !== undefined && fromBytes<{ digest: ContentDigest }>(bytes).digest === digest) {
          await objects.delete(tagKey);
        }
      }
      const bytes = await objects.read(keys.blob(digest));
      await objects.delete(key);
      if (bytes === undefined) return true;
      const { subject } = readManifest(bytes, fromBytes<ManifestFacts>(link).mediaType);
      if (subject !== undefined) await objects.delete(keys.referrer(repository, subject, digest));
      return true;
    });

  return {
    findBlob,
    blobBody: (digest, range) => objects.body(keys.blob(digest), range),
    blobLink: (digest) => objects.link?.(keys.blob(digest)),
    readBlob: (digest) => objects.read(keys.blob(digest)),
    putBlob: (repository, digest, path) =>
      mutex.run(digest, async () => {
        inUse.touch(digest);
        await objects.adopt(keys.blob(digest), path);
        await objects.write(keys.layer(repository, digest), new Uint8Array());
        await enterCatalog(repository);
      }),
    mountBlob: (repository, digest, from) =>
      mutex.run(digest, async () => {
        inUse.touch(digest);
        const source = from === undefined ? keys.blob(digest) : keys.layer(from, digest);
        const [link, facts] = await Promise.all([objects.find(source), objects.find(keys.blob(digest))]);
        if (link === undefined || facts === undefined) return false;
        await objects.write(keys.layer(repository, digest), new Uint8Array());
        await enterCatalog(repository);
        return true;
      }),
    deleteBlob: (repository, digest) =>
      mutex.run(digest, async () => {
        const key = keys.layer(repository, digest);
        if ((await objects.find(key)) === undefined) throw serverErrors.servedBlobUnknown(digest);
        await objects.delete(key);
      }),
    findManifest,
    statManifest: async (repository, reference) => {
      const digest = await resolve(repository, reference);
      if (digest === undefined) return undefined;
      const [link, blob] = await Promise.all([
        objects.read(keys.manifest(repository, digest)),
        objects.find(keys.blob(digest)),
      ]);
      if (link === undefined || blob === undefined) return undefined;
      const facts = fromBytes<ManifestFacts>(link);
      return { digest, mediaType: facts.mediaType, sizeBytes: facts.size };
    },
    putManifest,
    deleteManifest,
    deleteTag: (repository, tag, expected) =>
      mutex.run(`repository ${repository}`, async () => {
        const found = await findTag(repository, tag);
        if (expected !== undefined && (found?.digest !== expected.digest || found.setMs !== expected.setMs))
          return false;
        if (found === undefined) throw serverErrors.servedManifestUnknown(tag);
        await objects.delete(keys.tag(repository, tag));
        return true;
      }),
    tags: async (repository) => {
      const prefix = keys.tags(repository);
      const names: string[] = [];
      for await (const key of objects.list(prefix)) names.push(key.slice(prefix.length));
      return names.sort(lexically);
    },
    findTag,
    setTag: (repository, tag, digest) =>
      mutex.run(`repository ${repository}`, async () => {
        inUse.touch(digest);
        await objects.write(keys.tag(repository, tag), toBytes({ digest }));
      }),
    manifests: async (repository) => {
      const digests: ContentDigest[] = [];
      for await (const key of objects.list(keys.manifests(repository))) digests.push(digestOfKey(key));
      return digests;
    },
    referrers: async (repository, subject) => {
      const found: ReferrerDescriptor[] = [];
      for await (const key of objects.list(keys.referrers(repository, subject))) {
        const bytes = await objects.read(key);
        if (bytes === undefined) continue;
        const descriptor = fromBytes<ReferrerDescriptor>(bytes);
        const manifest = await objects.find(keys.manifest(repository, descriptor.digest));
        if (manifest !== undefined) found.push(descriptor);
      }
      return found;
    },
    exists: async (repository) => (await objects.find(keys.catalogEntry(repository))) !== undefined,
    list: async () => {
      const names: string[] = [];
      for await (const key of objects.list(keys.catalog)) names.push(repositoryOfCatalogKey(key));
      return names.sort();
    },
    // Under the repository's lock too: a manifest of nothing enters the catalogue before anything else of it is there.
    forgetEmpty: (repository) =>
      mutex.run(`repository ${repository}`, () =>
        mutex.run(`catalog ${repository}`, async () => {
          if (!(await isEmpty(repository))) return false;
          await objects.delete(keys.catalogEntry(repository));
          catalogued.delete(repository);
          return true;
        }),
      ),
    inUse,
    exclusive: (key, work) => mutex.run(key, work),
  };
}
