import { mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { errorMessage, type Logger, Semaphore } from "#base";
import { type Database } from "#db";
import type { EventService, StepService } from "#engine";
import type { BuildCacheDocument, ContainerConfig } from "#formats";
import type { ImageCatalog, ImageTrust, LayerStore, Snapshotter } from "#images";
import { letContainersThrough, unmount } from "#linux";
import { runBuild } from "./build.ts";
import { openBuildCache, type PruneOptions } from "./cache/build-cache.ts";
import { createFlights } from "./cache/flights.ts";
import type { OpenRepository } from "./cache/transfer/locations.ts";
import { parseChanges } from "./changes.ts";
import type { BuildEvent, BuildRequest, BuildResult, PullImage } from "./contract.ts";
import { type CacheMounts, openCacheMounts } from "./mounts/cache-mounts.ts";
import type { BuildEnvironment } from "./one-build.ts";
import { snapshotPrefix } from "./run/snapshot.ts";

/** What the builder is made of. */
export type BuilderParts = {
  readonly images: {
    readonly catalog: ImageCatalog;
    readonly layers: LayerStore;
    readonly snapshots: Snapshotter;
    readonly trust: Pick<ImageTrust, "require">;
  };
  readonly steps: StepService;
  readonly database: Database;
  /** The daemon's data root; the builder keeps what it needs for a moment in `<data root>/builds`. */
  readonly dataRoot: string;
  readonly events: Pick<EventService, "emit">;
  readonly logger: Logger;
  /** Certificates that ADD trusts when it downloads. RUN's trust is the step service's. @default the host's bundle */
  readonly hostCaBundle?: string | undefined;
  /** Fetches an image that is not here, or anew for `pull`. Without it only local images can be built on. */
  readonly pullImage?: PullImage | undefined;
  /** Opens repositories of registries, for caches kept there. Without it only local and inline caches work. */
  readonly repository?: OpenRepository | undefined;
  /** Bytes of results that the cache keeps. @default a tenth of the file system, at least 2 GiB */
  readonly cacheLimitBytes?: number | undefined;
};

/** Builds images from Dockerfiles. */
export type Builder = {
  /**
   * Runs a build to its end and tags the result. Nothing half done is ever referenced: an image exists once all its layers
   * are durable, tags move last. Rejects with an EngineError; a command that failed leaves its code as `exitCode` on it,
   * and every failure of a step a `BuildFailure` as `failure`.
   * @param output gets everything the build says, in order
   */
  build(request: BuildRequest, output: (event: BuildEvent) => void, signal: AbortSignal): Promise<BuildResult>;
  /** The instructions of `commit --change` and `import --change` as an edit of a config. */
  changes(instructions: readonly string[]): (config: ContainerConfig) => ContainerConfig;
  /** Results the cache holds and cache mounts, as `docker system df -v` shows them. */
  cache(): Promise<readonly BuildCacheDocument[]>;
  /** Forgets results of the cache and frees their layers. */
  prune(options: PruneOptions): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
  /** The directories of `RUN --mount=type=cache`, for listing, export and import. */
  readonly cacheMounts: CacheMounts;
  /** Removes what builds of an earlier daemon left: their snapshots and files. Run once at start, before any build. */
  sweep(): Promise<void>;
};

/** Steps that may work at once when the request does not say. */
const defaultParallelism = Math.max(2, availableParallelism());

const leastCacheBytes = 2 * 1024 ** 3;

/** Makes the builder. Nothing is touched on disk before `sweep` or the first build. */
export function createBuilder(parts: BuilderParts): Builder {
  const { images } = parts;
  const root = join(parts.dataRoot, "builds");
  const { idMapping } = images.snapshots;
  const cacheMounts = openCacheMounts({
    root: join(parts.dataRoot, "build-mounts"),
    database: parts.database,
    idMapping,
  });
  const cache = openBuildCache({ database: parts.database, layers: images.layers, cacheMounts });
  const environment: BuildEnvironment = {
    parts,
    root,
    cache,
    cacheMounts,
    flights: createFlights(),
    slots: new Semaphore(defaultParallelism),
  };
  /** Keeps the cache within its bounds; never in a build's way. */
  const trim = async () => {
    try {
      await cache.trim(parts.cacheLimitBytes ?? defaultLimit(parts.dataRoot));
    } catch (error) {
      parts.logger.warn("the build cache could not be trimmed", { error: errorMessage(error) });
    }
  };
  return {
    build: async (request, output, signal) => {
      try {
        return await runBuild(environment, request, output, signal);
      } finally {
        void trim();
      }
    },
    changes: parseChanges,
    cache: () => cache.list(),
    prune: (options) => cache.prune(options),
    cacheMounts,
    sweep: async () => {
      for (const id of await images.snapshots.list()) {
        if (id.startsWith(snapshotPrefix)) await images.snapshots.remove(id);
      }
      mkdirSync(root, { recursive: true, mode: 0o700 });
      letContainersThrough(root, idMapping);
      for (const name of readdirSync(root)) {
        unmountSecrets(join(root, name));
        rmSync(join(root, name), { recursive: true, force: true });
      }
      cacheMounts.sweep();
    },
  };
}

/** Secrets of a killed daemon's steps are in memory until their tmpfs goes. */
function unmountSecrets(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name.startsWith("secrets-")) unmount(join(directory, entry.name));
  }
}

function defaultLimit(dataRoot: string): number {
  const { blocks, bsize } = statfsSync(dataRoot);
  return Math.max(leastCacheBytes, Math.floor((blocks * bsize) / 10));
}
