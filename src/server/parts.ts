import type { Logger } from "#base";
import type { Builder, Builds } from "#builder";
import type { BuildKit } from "#buildkit";
import type { Engine } from "#engine";

/** What `/version`, `/info` and the response headers say of this program. */
export type ServerVersion = {
  /** Reported to clients, who may then offer more. */
  readonly experimental: boolean;
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

/** The builder as the API needs it. */
export type ImageBuilder = Pick<Builder, "build" | "changes" | "cache" | "prune" | "cacheMounts">;

/** Everything the routes work with. */
export type ServerParts = {
  readonly engine: Engine;
  readonly builder: ImageBuilder;
  /** Every build, with its history. */
  readonly builds: Builds;
  /** BuildKit's protocol; loaded when somebody first speaks it. */
  readonly buildKit: () => Promise<BuildKit>;
  readonly version: ServerVersion;
  readonly logger: Logger;
  /** The daemon logs everything (`info` says so). */
  debug(): boolean;
  /** Between two readings of `stats`. @default 1000 */
  readonly statsIntervalMs: number;
  /** Open `/events` connections, for `info`. */
  readonly counters: { eventListeners: number };
};
