import type { Semaphore } from "#base";
import type { BuildReasonTable } from "#db";
import type { LayerLease } from "#images";
import type { BuilderParts } from "./builder.ts";
import type { BuildCache } from "./cache/build-cache.ts";
import type { FileDigests } from "./cache/file-digests.ts";
import type { Flights } from "./cache/flights.ts";
import type { OpenContext } from "./context/open-context.ts";
import type { BuildRequest, BuiltImage } from "./contract.ts";
import type { CacheMounts } from "./mounts/cache-mounts.ts";
import type { BuildPlan } from "./plan/operation.ts";
import type { Source } from "./read-source.ts";
import type { BuildParts } from "./run/build-parts.ts";
import type { Reporter } from "./run/reporter.ts";

/** What all builds of a daemon share. */
export type BuildEnvironment = {
  readonly parts: BuilderParts;
  /** Where builds keep what they need for a moment. */
  readonly root: string;
  readonly cache: BuildCache;
  readonly flights: Flights;
  readonly cacheMounts: CacheMounts;
  readonly slots: Semaphore;
};

/** One build whose Dockerfile has been read. */
export type OneBuild = {
  readonly environment: BuildEnvironment;
  readonly request: BuildRequest;
  readonly source: Source;
  readonly context: OpenContext;
  readonly digests: FileDigests;
  readonly reporter: Reporter;
  readonly lease: LayerLease;
  readonly directory: string;
  readonly network: BuildParts["network"];
  readonly table: BuildReasonTable;
  readonly signal: AbortSignal;
};

/** The image of one platform and how it came about. */
export type BuiltPlatform = { readonly image: BuiltImage; readonly plan: BuildPlan };
