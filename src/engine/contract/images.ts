import type { Digest } from "#base";
import type { Platform } from "#formats";
import type { BootstrapOptions, ImageCatalog, ImageProgress, ImageRecord, ImageRemoval, StoreCheck } from "#images";
import type { RegistryCredentials, SearchRequest, SearchResult } from "#registry";
import type { ImageManifestView } from "../images/manifests.ts";
import type { Distribution } from "../images/transfer/distribution.ts";
import type { PullRequest } from "../images/transfer/pull.ts";
import type { PushRequest } from "../images/transfer/push.ts";
import type { ContainerView } from "./container-view.ts";

/** The image catalogue, with the containers' say in removal, and events. */
export type ImageService = Pick<ImageCatalog, "find" | "get" | "list" | "history" | "save"> & {
  /** What a name stands for: the manifests of its index, here or not, or its one manifest. */
  manifests(reference: string): readonly ImageManifestView[];
  /** False for an image that is only one of several platforms of every name it has. */
  isFirstOf(image: ImageRecord): boolean;
  /** Directories of its layers by Docker's names ("UpperDir" is the topmost); undefined where containers are copies. */
  directories(image: ImageRecord): Readonly<Record<string, string>> | undefined;
  tag(source: string, reference: string): void;
  remove(
    reference: string,
    options: { readonly force: boolean; readonly prune: boolean; readonly platform?: Platform | undefined },
  ): Promise<readonly ImageRemoval[]>;
  load: ImageCatalog["load"];
  importRootfs: ImageCatalog["importRootfs"];
  prune(options: {
    readonly all: boolean;
    readonly keep: (image: ImageRecord) => boolean;
  }): Promise<{ readonly removed: readonly ImageRemoval[]; readonly reclaimedBytes: number }>;
  /** Makes a base image from the distribution's own packages; see `images/bootstrap`. */
  bootstrap(
    reference: string,
    options: BootstrapOptions,
    progress: ImageProgress,
    signal?: AbortSignal,
  ): Promise<ImageRecord>;
  /** Pulls an image, or all tags of a repository; see `images/transfer/pull.ts`. Aborting ends it at once. */
  pull(request: PullRequest, progress: ImageProgress, signal: AbortSignal): Promise<readonly ImageRecord[]>;
  /** Pushes a tag, or all tags of a repository; see `images/transfer/push.ts`. */
  push(request: PushRequest, progress: ImageProgress, signal: AbortSignal): Promise<void>;
  /** What a registry has under a name. */
  distribution(name: string, credentials: RegistryCredentials, signal: AbortSignal): Promise<Distribution>;
  /** Repositories of a registry whose name has the term in it. */
  search(request: SearchRequest, signal: AbortSignal): Promise<readonly SearchResult[]>;
  /** Checks credentials; returns the refresh token that stands for the password, where the registry gives one. */
  login(credentials: RegistryCredentials, signal: AbortSignal): Promise<{ readonly identityToken: string | undefined }>;
  /** Reads everything the images are made of and says what is damaged; see `images/check.ts`. */
  check(progress: ImageProgress, signal: AbortSignal): Promise<StoreCheck>;
  /** Containers per image. */
  usedBy(id: Digest): readonly ContainerView[];
  /** Bytes of each image's layers that other images have too. */
  sharedSizes(): ReadonlyMap<Digest, number>;
};
