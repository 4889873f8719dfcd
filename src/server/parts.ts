import type { Logger } from "#base";
import type { BuildCacheDocument, ContainerConfig } from "#formats";
import type { Engine } from "#engine";

/** What `/version`, `/info` and the response headers say of this program. */
export type ServerVersion = {
  /** Berth's own version. */
  readonly version: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildTime: string;
  /** Name and version of the JavaScript runtime. */
  readonly toolchain: string;
  readonly arch: string;
  readonly kernelVersion: string;
};

/** A classic build as `POST /build` asks for it. */
export type BuildRequest = {
  /** The context, a tar, perhaps compressed. */
  readonly context: AsyncIterable<Uint8Array>;
  /** Path of the Dockerfile within the context. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  /** null = declared, value from the builder's environment, i.e. unset. */
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly networkMode: string | undefined;
  readonly extraHosts: readonly string[];
  readonly platform: string | undefined;
  readonly cacheFrom: readonly string[];
  readonly squash: boolean;
  readonly shmSizeBytes: number | undefined;
  readonly cgroupParent: string | undefined;
  readonly securityOpt: readonly string[];
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly resources: {
    readonly Memory?: number;
    readonly MemorySwap?: number;
    readonly CpuShares?: number;
    readonly CpuPeriod?: number;
    readonly CpuQuota?: number;
    readonly CpusetCpus?: string;
    readonly CpusetMems?: string;
  };
  /** Remove intermediate containers; there are none unless a step failed. */
  readonly remove: boolean;
  readonly forceRemove: boolean;
};

/** One line of build output. */
export type BuildRecord = { readonly stream: string } | { readonly status: string; readonly id?: string };

/** The builder as the API needs it. */
export type ImageBuilder = {
  /** Runs a build; `output` gets what Docker's `stream` records carry, newlines included. */
  build(
    request: BuildRequest,
    output: (record: BuildRecord) => void,
    signal: AbortSignal,
  ): Promise<{ readonly imageId: string }>;
  /** Instructions of `commit --change` and `import --change` as an edit of a config; throws kind invalid. */
  changes(instructions: readonly string[]): (config: ContainerConfig) => ContainerConfig;
  /** Records of the cache, for `system df`. */
  cache(): readonly BuildCacheDocument[] | Promise<readonly BuildCacheDocument[]>;
  prune(options: {
    readonly all: boolean;
    readonly keepBytes?: number | undefined;
    /** Only records last used before this, ms since the epoch. */
    readonly beforeMs?: number | undefined;
  }): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
};

/** Everything the routes work with. */
export type ServerParts = {
  readonly engine: Engine;
  readonly builder: ImageBuilder;
  readonly version: ServerVersion;
  readonly logger: Logger;
  /** Between two readings of `stats`. @default 1000 */
  readonly statsIntervalMs: number;
  /** Open `/events` connections, for `info`. */
  readonly counters: { eventListeners: number };
};
