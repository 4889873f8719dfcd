import type { Digest, IdMapping } from "#base";
import type { HistoryEntry, ImageConfig, Platform } from "#formats";
import type { PackedLayer } from "./layers/packed.ts";
import type { PartialBlob } from "./layers/partials.ts";

/** An image of the catalogue. Its id is the digest of its config's bytes. */
export type ImageRecord = {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** Digest of the manifest it was loaded or pulled with, when there was one. */
  readonly manifestDigest?: Digest | undefined;
  /** Bytes of all layers, uncompressed. */
  readonly sizeBytes: number;
  /** Familiar names: "debian:bookworm". */
  readonly repoTags: readonly string[];
  /** "debian@sha256:…" */
  readonly repoDigests: readonly string[];
  /** The image a build or commit started from. */
  readonly parentId?: Digest | undefined;
  /** When it entered or was last tagged in this store, ms since the epoch. */
  readonly lastTaggedMs: number;
};

/** A small document of an image: a manifest, an index. */
export type ImageDocument = { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };

/** One line of what a removal did, in order. */
export type ImageRemoval = { readonly untagged: string } | { readonly deleted: string };

/** Reports progress in the shape of Docker's JSON stream; the server writes it out unchanged. */
export type ImageProgress = (record: {
  readonly status?: string;
  readonly stream?: string;
  readonly id?: string;
  /** Empty: there is nothing to count, but the record is about one part of the whole. */
  readonly progress?: { readonly current?: number; readonly total?: number };
  /** For programs: the digest that a push ended with. */
  readonly aux?: Readonly<Record<string, unknown>>;
}) => void;

/** Tags, configs and layers of all images. Every method that changes something is durable when it resolves. */
export type ImageCatalog = {
  /**
   * By reference, digest reference, id or unique id prefix (≥4 hex); undefined when absent; throws when ambiguous. Of
   * several that a name stands for, the one that suits the platform best; the one for this machine (or else the last
   * that came) when none does or none is asked for.
   */
  find(reference: string, platform?: Platform): ImageRecord | undefined;
  /** Like `find`, but throws not-found: `No such image: alpine:latest` (Docker's wording, familiar name with tag). */
  get(reference: string, platform?: Platform): ImageRecord;
  /** The index a name was pulled, loaded or built with, and which of its images are here, by their manifests there. */
  indexOf(reference: string): (ImageDocument & { readonly images: ReadonlyMap<Digest, ImageRecord> }) | undefined;
  /** Lets a name stand for an index: for these images, and for those of the same index that it stands for already. */
  addIndex(
    reference: string,
    members: readonly { readonly id: Digest; readonly manifestDigest: Digest }[],
    index: { readonly bytes: Uint8Array; readonly mediaType: string },
  ): void;
  /** A manifest or index that an image here was known by. */
  document(digest: Digest): ImageDocument | undefined;
  /** All images, newest first. Cheap: from memory. */
  list(): readonly ImageRecord[];
  /**
   * Points `repository[:tag]` at an image, or at all that another name stands for; moves it when it existed. Refuses
   * digests and the name `sha256`.
   */
  tag(source: string, reference: string): void;
  /** Records that a repository has the image under a manifest digest ("debian@sha256:…"), with the manifest's bytes. */
  addManifest(
    id: Digest,
    manifest: { readonly repository: string; readonly bytes: Uint8Array; readonly mediaType: string },
  ): Digest;
  /** The manifest an image was pulled or loaded with, byte for byte. */
  manifestOf(id: Digest): ImageDocument | undefined;
  /** The config's bytes, of which the id is the digest. */
  configBytesOf(id: Digest): Uint8Array;
  /**
   * Adds an image made of layers that are already in the store. Idempotent: equal bytes give an equal id.
   * @param image.config serialised exactly once, here, unless `configBytes` holds the original bytes.
   */
  add(image: {
    readonly config: ImageConfig;
    readonly configBytes?: Uint8Array | undefined;
    readonly parentId?: Digest | undefined;
    readonly tags?: readonly string[] | undefined;
    /** The manifest it was pulled with, and the digest references that mean it ("debian@sha256:…"). */
    readonly manifest?: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
    readonly repoDigests?: readonly string[] | undefined;
    /** The index that named that manifest: the names then stand for the images of it that came before, too. */
    readonly index?: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
  }): ImageRecord;
  /**
   * Docker's `rmi`: by tag with other tags left only untags; by id with several repositories is a conflict unless
   * `force`. `isUsed(id)` says which containers hold it (stopped: conflict unless force; running: conflict always).
   */
  remove(
    reference: string,
    options: {
      readonly force: boolean;
      readonly prune: boolean;
      readonly usedBy: (id: Digest) => readonly ImageUser[];
      /** Of what a name stands for only the image for this platform (the caller has seen that there is one). */
      readonly platform?: Platform | undefined;
    },
  ): Promise<readonly ImageRemoval[]>;
  /** As `docker history` shows it, newest first. */
  history(reference: string, platform?: Platform): readonly ImageHistoryLine[];
  /**
   * Writes a docker-archive that is an OCI layout too (as Docker ≥25 does), multi-image. A name that stands for an index
   * goes out with it and with all that is here of it, or as the one image for `platform`.
   */
  save(references: readonly string[], platform?: Platform): AsyncIterable<Uint8Array>;
  /**
   * Reads a docker-archive or OCI layout, plain or compressed; verifies every digest; returns what was loaded: all
   * platforms that are in it, or the one that is asked for.
   */
  load(
    archive: AsyncIterable<Uint8Array>,
    progress: ImageProgress,
    platform?: Platform,
  ): Promise<readonly ImageRecord[]>;
  /** False for an image that every name it has means only when its platform is asked for. */
  isFirstOf(id: Digest): boolean;
  /** `docker import`: one root file system as one layer. */
  importRootfs(
    archive: AsyncIterable<Uint8Array>,
    options: {
      readonly config?: ImageConfig["config"];
      readonly message?: string;
      readonly tag?: string | undefined;
      readonly platform?: string;
    },
  ): Promise<ImageRecord>;
  /** Removes dangling (or all unused) images; returns what went and the bytes won. */
  prune(options: {
    readonly all: boolean;
    readonly keep: (image: ImageRecord) => boolean;
  }): Promise<{ readonly removed: readonly ImageRemoval[]; readonly reclaimedBytes: number }>;
};

/** A container that uses an image. */
export type ImageUser = { readonly containerId: string; readonly running: boolean };

/** A history entry with what it added. */
export type ImageHistoryLine = HistoryEntry & {
  readonly id: string;
  readonly sizeBytes: number;
  readonly tags: readonly string[];
};

/** Layers by diffID: each unpacked once under the data root, shared by every image and container. */
export type LayerStore = {
  /** False for one that `verify` found damaged: whoever needs it brings it anew. */
  has(diffId: Digest): boolean;
  /** All layers, damaged ones too. */
  list(): readonly Digest[];
  /** True for what `list` has. */
  isListed(diffId: Digest): boolean;
  /**
   * Reads all of a layer and compares it with its diffID. What is wrong, or undefined when nothing is. A damaged one is
   * remembered, across restarts, until `apply` replaces it.
   */
  verify(diffId: Digest, onBytes?: (count: number) => void): Promise<string | undefined>;
  sizeOf(diffId: Digest): number;
  /**
   * Unpacks one uncompressed or compressed (gzip, zstd, xz refused with a clear error if unsupported) layer tar.
   * Whiteouts become overlay's; nothing can escape the layer's directory. With `expected` the diffID must match or nothing is kept.
   * Durable (syncfs or per-file fsync) before it resolves. Concurrent calls for one `expected` share the work.
   */
  apply(
    tar: AsyncIterable<Uint8Array>,
    options?: ApplyOptions,
  ): Promise<{ readonly diffId: Digest; readonly sizeBytes: number }>;
  /**
   * Makes a layer of a writable snapshot's changes by moving the directory (no copy); used by builds. The snapshot must
   * be unmounted, and only `remove` may follow for it.
   */
  adopt(directory: string, options?: NewLayerOptions): Promise<{ readonly diffId: Digest; readonly sizeBytes: number }>;
  /** Makes a layer of a writable snapshot's changes by copying them; the snapshot stays usable (`commit`). */
  copyFrom(
    directory: string,
    options?: NewLayerOptions,
  ): Promise<{ readonly diffId: Digest; readonly sizeBytes: number }>;
  /** The compressed forms that the layer came in and that are kept with it; there may be none. */
  packedOf(diffId: Digest): readonly PackedLayer[];
  /** The bytes of one of them, verified while they are read. */
  openPacked(diffId: Digest, packed: PackedLayer): AsyncIterable<Uint8Array>;
  /** Gives one up, because it is damaged. Idempotent. */
  dropPacked(diffId: Digest, digest: Digest): void;
  /**
   * The first bytes of a layer's blob, when an earlier `apply` with this `packedDigest` broke off or was killed: the source of
   * the next may begin with them instead of fetching them. Given up when `apply` succeeds or finds them wrong, and after a day.
   */
  partialOf(digest: Digest, sizeBytes: number): PartialBlob | undefined;
  /** Gives all of them up; returns their bytes. */
  forgetPartials(): number;
  /** The layer's tar, byte for byte as it was when its diffID was computed; verified while it is read. */
  tarOf(diffId: Digest): AsyncIterable<Uint8Array>;
  /** Bytes of that tar, known without reading it. */
  tarSizeOf(diffId: Digest): number;
  /** Absolute directory of the unpacked layer. Read only. */
  directoryOf(diffId: Digest): string;
  /** Those of a file system's layers (bottom first), topmost first and each once; undefined when one is damaged or gone. */
  findDirectories(diffIds: readonly Digest[]): readonly string[] | undefined;
  /**
   * Holds layers against garbage collection while something is made of them (in memory: a restart ends it). A layer
   * that has just been applied, adopted or copied is safe for an hour, or until an image or snapshot takes it over.
   */
  lease(diffIds?: readonly Digest[]): LayerLease;
  /** Holds layers durably under a name (a build's cache entry, an unfinished pull). Adds to what the owner holds. */
  pin(owner: string, diffIds: readonly Digest[]): void;
  /** Ends the owner's pins. Idempotent. */
  unpin(owner: string): void;
  /** Everybody who pins layers. */
  pinOwners(): readonly string[];
  /** Deletes layers that no image, snapshot, pin or lease holds; returns the bytes won. */
  collectGarbage(): Promise<number>;
  /** Bytes of all layers, uncompressed. */
  totalSize(): number;
};

/** What is known about a tar, and who wants to know how it goes. */
export type ApplyOptions = {
  /** The diffID it must have. */
  readonly expected?: Digest | undefined;
  /** Called with the bytes read of it, compressed. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /**
   * The digest of `tar`'s own bytes, for whose being right the source answers by failing at its end: it is read to that
   * end then, and compressed bytes are kept beside the layer, where the daemon is to keep them.
   */
  readonly packedDigest?: Digest | undefined;
  /** Called once everything has been read and before it is made durable. */
  readonly onRead?: (() => void) | undefined;
};

/** What is known about a layer before it is stored. */
export type NewLayerOptions = {
  /**
   * Paths ("etc/hosts") left out where they are empty files or directories without anything else: what a runtime made
   * to mount things on, and no part of the image. A directory is judged after what is left out below it.
   */
  readonly mountPoints?: readonly string[] | undefined;
};

/** Keeps layers from being collected until it is disposed of; in memory only. */
export type LayerLease = Disposable & {
  add(diffId: Digest): void;
  /** Idempotent. */
  release(): void;
};

/** One path that differs between a container and its image. */
export type Change = { readonly kind: "modified" | "added" | "deleted"; readonly path: string };

/** Writable root file systems on top of layers: "overlay2" or "vfs". */
export type Snapshotter = {
  readonly name: "overlay2" | "vfs";
  /** How owners in these file systems lie on the host: whoever reads or writes files there translates by it. */
  readonly idMapping: IdMapping | undefined;
  /**
   * Makes a writable snapshot named `id` over `diffIds` (bottom first). Idempotent. Touches no mount. Holds the layers.
   * @param options.discardable nothing in it needs to survive a power cut (`--rm`, build steps): `fsync` inside costs
   *   nothing and unmounting does not wait for the disk (overlay's `volatile`)
   * @param options.sizeBytes most that may be written; throws unsupported where the file system has no project quotas
   */
  prepare(
    id: string,
    diffIds: readonly Digest[],
    options?: { readonly discardable?: boolean; readonly sizeBytes?: number | undefined },
  ): Promise<void>;
  /** Mounts it (synchronous kernel work, about 1 ms) and returns the absolute root path. Idempotent while mounted. */
  mount(id: string): string;
  /** Unmounts; the contents stay. Idempotent; lazy when busy. */
  unmount(id: string): void;
  isMounted(id: string): boolean;
  /** Unmounts and deletes. Idempotent. */
  remove(id: string): Promise<void>;
  /** `docker diff`: what differs from the layers below, sorted by path. */
  changes(id: string): Promise<readonly Change[]>;
  /** The directory that holds only the changes (overlay upper), for `LayerStore.adopt`/`copyFrom`; vfs computes one. */
  changesDirectory(id: string): Promise<string>;
  /** Bytes of the writable part. */
  usage(id: string): Promise<number>;
  /** Its directories by Docker's names ("UpperDir", …); undefined where it is one copy. */
  directories(id: string): Readonly<Record<string, string>> | undefined;
  /** Ids of all snapshots on disk, for the sweep at start. */
  list(): Promise<readonly string[]>;
  /** Unmounts whatever a crash left mounted, except `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
};
