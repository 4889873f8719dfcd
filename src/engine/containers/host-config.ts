import type { HostConfig } from "#formats";

/** What the daemon fills in where the client says nothing. */
export type HostConfigDefaults = {
  readonly cgroupnsMode: "private" | "host";
  /** That of privileged containers, which stay in the host's on cgroup v1 whatever the default. */
  readonly privilegedCgroupnsMode: "private" | "host";
  readonly runtime: string;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly init: boolean;
  /** Real-time CPU time that the groups above containers get when one asks for some; 0 = none is set aside. */
  readonly realtime: { readonly periodUs: number; readonly runtimeUs: number };
  readonly shmSizeBytes: number;
  readonly ipcMode: "private" | "shareable";
  /** Name servers, search domains and options of the resolver, for containers that name none. */
  readonly dns: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
  /** What `host-gateway` stands for; empty = the host on the container's bridge. */
  readonly hostGateways: readonly string[];
  /** Limits of processes that containers do not set themselves. */
  readonly ulimits: NonNullable<HostConfig["Ulimits"]>;
  /** Most a container may write into its own layer; undefined = no limit. */
  readonly storageSizeBytes: number | undefined;
};

/** A client's HostConfig with everything in force spelled out, as inspect shows it. */
export function normalizeHostConfig(given: HostConfig, defaults: HostConfigDefaults): HostConfig {
  const memory = given.Memory ?? 0;
  const swap = given.MemorySwap ?? 0;
  const networkMode = given.NetworkMode ?? "";
  const privileged = given.Privileged === true;
  return {
    ...given,
    NetworkMode: networkMode === "" || networkMode === "default" ? "bridge" : networkMode,
    RestartPolicy: {
      Name: given.RestartPolicy?.Name ? given.RestartPolicy.Name : "no",
      MaximumRetryCount: given.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    MemorySwap: memory > 0 && swap === 0 ? memory * 2 : swap,
    ShmSize: given.ShmSize ? given.ShmSize : defaults.shmSizeBytes,
    IpcMode: given.IpcMode ? given.IpcMode : defaults.ipcMode,
    CgroupnsMode: given.CgroupnsMode || (privileged ? defaults.privilegedCgroupnsMode : defaults.cgroupnsMode),
    PidsLimit: given.PidsLimit && given.PidsLimit > 0 ? given.PidsLimit : null,
    MemorySwappiness: given.MemorySwappiness === -1 ? null : given.MemorySwappiness,
    LogConfig: logConfigOf(given.LogConfig, defaults),
    Runtime: given.Runtime ? given.Runtime : defaults.runtime,
    MaskedPaths: given.MaskedPaths ?? (privileged ? null : [...defaults.maskedPaths]),
    ReadonlyPaths: given.ReadonlyPaths ?? (privileged ? null : [...defaults.readonlyPaths]),
  };
}

/** The daemon's options are for its own driver; those of the cache are for every driver (moby `daemon/logs.go`). */
function logConfigOf(given: HostConfig["LogConfig"], defaults: HostConfigDefaults): HostConfig["LogConfig"] {
  const driver = given?.Type ? given.Type : defaults.logDriver;
  const inherited = Object.entries(defaults.logOptions).filter(
    ([name]) => driver === defaults.logDriver || (driver !== "none" && name.startsWith("cache-")),
  );
  return { Type: driver, Config: { ...Object.fromEntries(inherited), ...given?.Config } };
}
