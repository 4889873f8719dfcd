import type { Logger, Semaphore } from "#base";
import type { StepService } from "#engine";
import type { ImageCatalog, ImageRecord, LayerLease, LayerStore, Snapshotter } from "#images";
import type { BuildCache } from "../cache/build-cache.ts";
import type { RunEnvironment } from "../cache/keys.ts";
import type { SourceTree } from "../context/tree.ts";
import type { BuildRequest } from "../contract.ts";

/** What every step of one build works with. */
export type BuildParts = {
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  readonly snapshots: Snapshotter;
  readonly steps: StepService;
  readonly cache: BuildCache;
  readonly logger: Logger;
  readonly request: BuildRequest;
  readonly context: SourceTree;
  /** Directory for what a step needs for a moment; made and removed by the build. */
  readonly directory: string;
  readonly runEnvironment: RunEnvironment;
  readonly network: "default" | "none" | "host" | { readonly containerId: string };
  /** Images of `--cache-from` that are here. */
  readonly cacheImages: readonly ImageRecord[];
  /** Certificates that downloads trust. */
  readonly hostCaBundle: string | undefined;
  /** Holds the layers of this build until its image does. */
  readonly lease: LayerLease;
  /** Steps that work at once, over all stages. */
  readonly slots: Semaphore;
  readonly signal: AbortSignal;
};
