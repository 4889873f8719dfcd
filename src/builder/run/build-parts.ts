import type { Logger, Semaphore } from "#base";
import type { StepService } from "#engine";
import type { Platform } from "#formats";
import type { ImageCatalog, ImageRecord, LayerLease, LayerStore, Snapshotter } from "#images";
import type { BuildCache, CachedStep } from "../cache/build-cache.ts";
import type { Flights } from "../cache/flights.ts";
import type { RunEnvironment } from "../cache/keys.ts";
import type { Reasons } from "../cache/reasons.ts";
import type { BuildRequest } from "../contract.ts";
import type { CacheMounts } from "../mounts/cache-mounts.ts";
import type { Contexts } from "./contexts.ts";
import type { CacheRecord } from "../cache/transfer/cache-config.ts";
import type { ImportedCache } from "../cache/imported.ts";
import type { Reporter } from "./reporter.ts";

/** What every step of one build works with. */
export type BuildParts = {
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  readonly snapshots: Snapshotter;
  readonly steps: StepService;
  readonly cache: BuildCache;
  readonly flights: Flights;
  /** What this build has made itself, on any platform: all that a build which ignores the cache takes from. */
  readonly own: { readonly flights: Flights; readonly results: Map<string, CachedStep> };
  readonly reasons: Reasons;
  readonly cacheMounts: CacheMounts;
  readonly logger: Logger;
  readonly request: BuildRequest;
  readonly dialect: "classic" | "buildkit";
  /** The Dockerfile's name, for messages. */
  readonly file: string;
  /** Its text, for excerpts. */
  readonly text: string;
  readonly contexts: Contexts;
  /** Directory for what a step needs for a moment; made and removed by the build. */
  readonly directory: string;
  readonly runEnvironment: RunEnvironment;
  readonly network: "default" | "none" | "host" | { readonly containerId: string } | { readonly networkName: string };
  /** The control group of the build's steps, when it has limits. */
  readonly group: string | undefined;
  /** Images of `--cache-from` that are here. */
  readonly cacheImages: readonly ImageRecord[];
  /** Results that cache imports know of. */
  readonly imported: readonly ImportedCache[];
  /** Notes a step's result, for cache exports. */
  readonly record: (stage: number, record: CacheRecord) => void;
  /** Certificates that downloads trust. */
  readonly hostCaBundle: string | undefined;
  /** Holds the layers of this build until its image does. */
  readonly lease: LayerLease;
  /** Steps that work at once, over all stages. */
  readonly slots: Semaphore;
  /** SOURCE_DATE_EPOCH, in seconds. */
  readonly epoch: number | undefined;
  readonly platform: Platform;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
};
