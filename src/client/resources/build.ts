import type { BuildMountDocument, JsonMessage } from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import { readJsonStream } from "../json-stream.ts";
import type { QueryValue, Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";

/** Query of `POST /build`. */
export type BuildOptions = CallOptions & {
  readonly tags?: readonly string[];
  readonly dockerfile?: string;
  /** null declares an argument without a value. */
  readonly buildArguments?: Readonly<Record<string, string | null>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly noCache?: boolean;
  readonly pull?: boolean;
  readonly quiet?: boolean;
  /** Remove intermediate containers. @default true */
  readonly removeIntermediate?: boolean;
  readonly forceRemove?: boolean;
  readonly network?: string | undefined;
  readonly extraHosts?: readonly string[];
  readonly cacheFrom?: readonly string[];
  readonly platform?: string | undefined;
  readonly shmSizeBytes?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly memorySwapBytes?: number | undefined;
  readonly cpuShares?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly cpuQuota?: number | undefined;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly cgroupParent?: string;
  readonly ulimits?: readonly { Name: string; Soft: number; Hard: number }[];
  readonly securityOptions?: readonly string[];
  readonly isolation?: string;
  readonly squash?: boolean;
  /** `X-Registry-Config`: credentials of all registries. */
  readonly registryConfig?: string;
};

export type BuildPruneReport = { CachesDeleted?: string[] | null; SpaceReclaimed: number };

function toQuery(options: BuildOptions): Record<string, QueryValue> {
  const json = (value: object | undefined) =>
    value === undefined || Object.keys(value).length === 0 ? undefined : JSON.stringify(value);
  return {
    buildargs: json(options.buildArguments),
    cachefrom: json(options.cacheFrom),
    cgroupparent: options.cgroupParent,
    cpuperiod: options.cpuPeriod,
    cpuquota: options.cpuQuota,
    cpusetcpus: options.cpusetCpus,
    cpusetmems: options.cpusetMems,
    cpushares: options.cpuShares,
    dockerfile: options.dockerfile,
    extrahosts: options.extraHosts,
    forcerm: options.forceRemove,
    isolation: options.isolation,
    labels: json(options.labels),
    memory: options.memoryBytes,
    memswap: options.memorySwapBytes,
    networkmode: options.network,
    nocache: options.noCache,
    platform: options.platform,
    pull: options.pull,
    q: options.quiet,
    rm: options.removeIntermediate === false ? "0" : undefined,
    securityopt: json(options.securityOptions),
    shmsize: options.shmSizeBytes,
    squash: options.squash,
    t: options.tags,
    target: options.target,
    ulimits: json(options.ulimits),
    version: "1",
  };
}

/** Building images and its cache. */
export function createBuild(transport: Transport) {
  return {
    /** Sends the context while the build runs, and yields its records; a failure is one with `errorDetail`. */
    async *run(context: AsyncIterable<Uint8Array>, options: BuildOptions): AsyncGenerator<JsonMessage, void> {
      const response = await transport.request("POST", "/build", {
        query: toQuery(options),
        stream: context,
        headers: { "Content-Type": "application/x-tar", "X-Registry-Config": options.registryConfig ?? "e30=" },
        signal: options.signal,
      });
      yield* readJsonStream<JsonMessage>(response.body);
    },

    /** The cache mounts of builds. */
    async mounts(options: CallOptions = {}): Promise<readonly BuildMountDocument[]> {
      return (await transport.request("GET", "/build-mounts", { area: "berth", signal: options.signal })).json();
    },

    /** A tar of what a cache mount holds. */
    async exportMount(id: string, options: CallOptions = {}): Promise<AsyncIterable<Uint8Array>> {
      const query = { id };
      return (await transport.request("GET", "/build-mounts/archive", { area: "berth", query, signal: options.signal }))
        .body;
    },

    /** Puts the contents of a tar in the place of a cache mount's. */
    async importMount(id: string, stream: AsyncIterable<Uint8Array>, options: CallOptions = {}): Promise<void> {
      await (
        await transport.request("PUT", "/build-mounts/archive", {
          area: "berth",
          query: { id },
          stream,
          headers: { "Content-Type": "application/x-tar" },
          signal: options.signal,
        })
      ).text();
    },

    async prune(
      options: CallOptions & {
        readonly all?: boolean;
        readonly keepBytes?: number | undefined;
        readonly filters?: Filters | undefined;
      } = {},
    ): Promise<BuildPruneReport> {
      const query = {
        all: options.all,
        filters: encodeFilters(options.filters),
        "keep-storage": options.keepBytes,
      };
      return (await transport.request("POST", "/build/prune", { query, signal: options.signal })).json();
    },
  };
}
