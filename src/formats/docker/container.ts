import * as v from "valibot";

/*
 * The container documents of the Docker Engine API (`ContainerConfig`, `HostConfig`, … of docker-engine-api.yaml,
 * 1.24 to 1.50). They are stored and shown as the client sent them, so they keep Docker's spelling inside the engine
 * too; everything the engine itself makes is camelCase (docs/decisions/0007-docker-documents.md).
 *
 * Go clients send `null` for an empty list or map and zero for "not set"; `nullish` accepts both.
 */

/** Go's int64; what a JavaScript number cannot tell from its greatest counts as it. */
const int = v.pipe(v.number(), v.integer(), v.minValue(-(2 ** 63)), v.maxValue(2 ** 63));
const strings = v.nullish(v.array(v.string()));
const stringMap = v.nullish(v.record(v.string(), v.string()));
/** Go's `map[string]struct{}`: a set written as an object of empty objects. */
const setOfStrings = v.nullish(v.record(v.string(), v.nullish(v.object({}))));
/** Go's strslice: a list, or one string that stands for a list of one. */
const commandLine = v.nullish(
  v.union([
    v.array(v.string()),
    v.pipe(
      v.string(),
      v.transform((text) => [text]),
    ),
  ]),
);

/** `HealthConfig`: the probe and its timing; durations in nanoseconds, 0 means "inherit". */
export const healthConfigSchema = v.object({
  Test: strings,
  Interval: v.nullish(int),
  Timeout: v.nullish(int),
  StartPeriod: v.nullish(int),
  StartInterval: v.nullish(int),
  Retries: v.nullish(int),
});
/** `Config.Healthcheck`. */
export type HealthConfig = v.InferOutput<typeof healthConfigSchema>;

/** `ContainerConfig`: what is portable about a container; also the `config` of an image. */
export const containerConfigSchema = v.object({
  Hostname: v.nullish(v.string()),
  Domainname: v.nullish(v.string()),
  User: v.nullish(v.string()),
  AttachStdin: v.nullish(v.boolean()),
  AttachStdout: v.nullish(v.boolean()),
  AttachStderr: v.nullish(v.boolean()),
  ExposedPorts: setOfStrings,
  Tty: v.nullish(v.boolean()),
  OpenStdin: v.nullish(v.boolean()),
  StdinOnce: v.nullish(v.boolean()),
  Env: strings,
  Cmd: commandLine,
  Healthcheck: v.nullish(healthConfigSchema),
  ArgsEscaped: v.nullish(v.boolean()),
  Image: v.nullish(v.string()),
  Volumes: setOfStrings,
  WorkingDir: v.nullish(v.string()),
  Entrypoint: commandLine,
  NetworkDisabled: v.nullish(v.boolean()),
  MacAddress: v.nullish(v.string()),
  OnBuild: strings,
  Labels: stringMap,
  StopSignal: v.nullish(v.string()),
  StopTimeout: v.nullish(int),
  Shell: strings,
});
/** `Config`: what concerns the process and is portable. */
export type ContainerConfig = v.InferOutput<typeof containerConfigSchema>;

const throttleDevices = v.nullish(v.array(v.object({ Path: v.string(), Rate: int })));
const weightDevices = v.nullish(v.array(v.object({ Path: v.string(), Weight: int })));
const deviceMapping = v.object({
  PathOnHost: v.string(),
  PathInContainer: v.nullish(v.string()),
  CgroupPermissions: v.nullish(v.string()),
});
const deviceRequest = v.object({
  Driver: v.nullish(v.string()),
  Count: v.nullish(int),
  DeviceIDs: strings,
  Capabilities: v.nullish(v.array(v.array(v.string()))),
  Options: stringMap,
});
const ulimit = v.object({ Name: v.string(), Soft: int, Hard: int });

/** `Resources`: every limit of a container; the body of `update` and a part of HostConfig. 0 or null = not set. */
export const resourceEntries = {
  CpuShares: v.nullish(int),
  Memory: v.nullish(int),
  NanoCpus: v.nullish(int),
  CgroupParent: v.nullish(v.string()),
  BlkioWeight: v.nullish(int),
  BlkioWeightDevice: weightDevices,
  BlkioDeviceReadBps: throttleDevices,
  BlkioDeviceWriteBps: throttleDevices,
  BlkioDeviceReadIOps: throttleDevices,
  BlkioDeviceWriteIOps: throttleDevices,
  CpuPeriod: v.nullish(int),
  CpuQuota: v.nullish(int),
  CpuRealtimePeriod: v.nullish(int),
  CpuRealtimeRuntime: v.nullish(int),
  CpusetCpus: v.nullish(v.string()),
  CpusetMems: v.nullish(v.string()),
  Devices: v.nullish(v.array(deviceMapping)),
  DeviceCgroupRules: strings,
  DeviceRequests: v.nullish(v.array(deviceRequest)),
  KernelMemory: v.nullish(int),
  KernelMemoryTCP: v.nullish(int),
  MemoryReservation: v.nullish(int),
  MemorySwap: v.nullish(int),
  MemorySwappiness: v.nullish(int),
  OomKillDisable: v.nullish(v.boolean()),
  PidsLimit: v.nullish(int),
  Ulimits: v.nullish(v.array(ulimit)),
  CpuCount: v.nullish(int),
  CpuPercent: v.nullish(int),
  IOMaximumIOps: v.nullish(int),
  IOMaximumBandwidth: v.nullish(int),
};
/** The limits within `HostConfig`, which `update` takes too. */
export const resourcesSchema = v.object(resourceEntries);
/** The limits within `HostConfig`. */
export type Resources = v.InferOutput<typeof resourcesSchema>;

/** `HostConfig.RestartPolicy`. */
export const restartPolicySchema = v.object({
  Name: v.nullish(
    v.picklist(
      ["", "no", "always", "unless-stopped", "on-failure"],
      ({ input }) =>
        `invalid restart policy: unknown policy '${String(input)}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    ),
  ),
  MaximumRetryCount: v.nullish(int),
});
/** `HostConfig.RestartPolicy`. */
export type RestartPolicy = v.InferOutput<typeof restartPolicySchema>;

/** `Mount`: one `--mount`. */
export const mountSchema = v.object({
  Target: v.nullish(v.string()),
  Source: v.nullish(v.string()),
  Type: v.nullish(v.string()),
  ReadOnly: v.nullish(v.boolean()),
  Consistency: v.nullish(v.string()),
  BindOptions: v.nullish(
    v.object({
      Propagation: v.nullish(v.picklist(["", "private", "rprivate", "shared", "rshared", "slave", "rslave"])),
      NonRecursive: v.nullish(v.boolean()),
      CreateMountpoint: v.nullish(v.boolean()),
      ReadOnlyNonRecursive: v.nullish(v.boolean()),
      ReadOnlyForceRecursive: v.nullish(v.boolean()),
    }),
  ),
  VolumeOptions: v.nullish(
    v.object({
      NoCopy: v.nullish(v.boolean()),
      Labels: stringMap,
      DriverConfig: v.nullish(v.object({ Name: v.nullish(v.string()), Options: stringMap })),
      Subpath: v.nullish(v.string()),
    }),
  ),
  ImageOptions: v.nullish(v.object({ Subpath: v.nullish(v.string()) })),
  TmpfsOptions: v.nullish(
    v.object({
      SizeBytes: v.nullish(int),
      Mode: v.nullish(int),
      Options: v.nullish(v.array(v.array(v.string()))),
    }),
  ),
});
/** An entry of `HostConfig.Mounts`. */
export type MountRequest = v.InferOutput<typeof mountSchema>;

const portBinding = v.object({ HostIp: v.nullish(v.string()), HostPort: v.nullish(v.string()) });
/** `PortMap`: "80/tcp" → the host ends. */
export const portMapSchema = v.record(v.string(), v.nullish(v.array(portBinding)));
/** `HostConfig.PortBindings`: container port to host addresses. */
export type PortMap = v.InferOutput<typeof portMapSchema>;

/** `HostConfig`: what ties a container to this host. */
export const hostConfigSchema = v.object({
  ...resourceEntries,
  Binds: strings,
  ContainerIDFile: v.nullish(v.string()),
  LogConfig: v.nullish(v.object({ Type: v.nullish(v.string()), Config: stringMap })),
  NetworkMode: v.nullish(v.string()),
  PortBindings: v.nullish(portMapSchema),
  RestartPolicy: v.nullish(restartPolicySchema),
  AutoRemove: v.nullish(v.boolean()),
  VolumeDriver: v.nullish(v.string()),
  VolumesFrom: strings,
  Mounts: v.nullish(v.array(mountSchema)),
  ConsoleSize: v.nullish(v.array(int)),
  Annotations: stringMap,
  CapAdd: commandLine,
  CapDrop: commandLine,
  CgroupnsMode: v.nullish(
    v.picklist(["", "private", "host"], ({ input }) => `invalid cgroup namespace mode: ${String(input)}`),
  ),
  Dns: strings,
  DnsOptions: strings,
  DnsSearch: strings,
  ExtraHosts: strings,
  GroupAdd: strings,
  IpcMode: v.nullish(v.string()),
  Cgroup: v.nullish(v.string()),
  Links: strings,
  OomScoreAdj: v.nullish(int),
  PidMode: v.nullish(v.string()),
  Privileged: v.nullish(v.boolean()),
  PublishAllPorts: v.nullish(v.boolean()),
  ReadonlyRootfs: v.nullish(v.boolean()),
  SecurityOpt: strings,
  StorageOpt: stringMap,
  Tmpfs: stringMap,
  UTSMode: v.nullish(v.string()),
  UsernsMode: v.nullish(v.string()),
  ShmSize: v.nullish(int),
  Sysctls: stringMap,
  Runtime: v.nullish(v.string()),
  Isolation: v.nullish(v.string()),
  Init: v.nullish(v.boolean()),
  MaskedPaths: strings,
  ReadonlyPaths: strings,
});
/** `HostConfig`: what concerns this host. */
export type HostConfig = v.InferOutput<typeof hostConfigSchema>;

/** `EndpointSettings` as a client may send them. */
export const endpointSettingsSchema = v.object({
  IPAMConfig: v.nullish(
    v.object({ IPv4Address: v.nullish(v.string()), IPv6Address: v.nullish(v.string()), LinkLocalIPs: strings }),
  ),
  Links: strings,
  Aliases: strings,
  MacAddress: v.nullish(v.string()),
  DriverOpts: stringMap,
  GwPriority: v.nullish(int),
  NetworkID: v.nullish(v.string()),
  EndpointID: v.nullish(v.string()),
  Gateway: v.nullish(v.string()),
  IPAddress: v.nullish(v.string()),
  IPPrefixLen: v.nullish(int),
  IPv6Gateway: v.nullish(v.string()),
  GlobalIPv6Address: v.nullish(v.string()),
  GlobalIPv6PrefixLen: v.nullish(int),
  DNSNames: strings,
});
/** A network's entry in `NetworkingConfig.EndpointsConfig`. */
export type EndpointSettings = v.InferOutput<typeof endpointSettingsSchema>;

/** The body of `POST /containers/create`: ContainerConfig, HostConfig and NetworkingConfig in one object. */
export const createContainerSchema = v.object({
  ...containerConfigSchema.entries,
  HostConfig: v.nullish(hostConfigSchema),
  /** Where docker-py's low-level client puts it; Docker does not look here. */
  Runtime: v.nullish(v.string()),
  NetworkingConfig: v.nullish(
    v.object({ EndpointsConfig: v.nullish(v.record(v.string(), v.nullish(endpointSettingsSchema))) }),
  ),
});
/** Body of `POST /containers/create`. */
export type CreateContainerBody = v.InferOutput<typeof createContainerSchema>;

/** The body of `POST /containers/{id}/update`. */
export const updateContainerSchema = v.object({ ...resourceEntries, RestartPolicy: v.nullish(restartPolicySchema) });
/** Body of `POST /containers/{id}/update`. */
export type UpdateContainerBody = v.InferOutput<typeof updateContainerSchema>;

/** The body of `POST /containers/{id}/exec`. */
export const createExecSchema = v.object({
  User: v.nullish(v.string()),
  Privileged: v.nullish(v.boolean()),
  Tty: v.nullish(v.boolean()),
  ConsoleSize: v.nullish(v.array(int)),
  AttachStdin: v.nullish(v.boolean()),
  AttachStderr: v.nullish(v.boolean()),
  AttachStdout: v.nullish(v.boolean()),
  Detach: v.nullish(v.boolean()),
  DetachKeys: v.nullish(v.string()),
  Env: strings,
  WorkingDir: v.nullish(v.string()),
  Cmd: commandLine,
});
/** Body of `POST /containers/{id}/exec`. */
export type CreateExecBody = v.InferOutput<typeof createExecSchema>;
