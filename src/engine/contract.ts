import type { Duplex } from "node:stream";
import type { ContainerId, Digest, ExecId, Nanoseconds } from "#base";
import type { BlkioEntry, CgroupStats } from "#cgroups";
import type {
  ContainerConfig,
  CreateContainerBody,
  CreateExecBody,
  EndpointSettings,
  HostConfig,
  InfoResponse,
  Platform,
  RestartPolicy,
  UpdateContainerBody,
} from "#formats";
import type {
  BootstrapOptions,
  Change,
  ImageCatalog,
  ImageHistoryLine,
  ImageProgress,
  ImageRecord,
  ImageRemoval,
  StoreCheck,
} from "#images";
import type { LogReadOptions, LogRecord } from "#logs";
import type { Endpoint, NetworkRecord, NetworkRequest, NetworkService, PublishedPort } from "#network";
import type { RegistryCredentials, SearchRequest, SearchResult } from "#registry";
import type { VolumeRecord } from "#volumes";
import type { ImageManifestView } from "./images/manifests.ts";
import type { Distribution } from "./images/transfer/distribution.ts";
import type { PullRequest } from "./images/transfer/pull.ts";
import type { PushRequest } from "./images/transfer/push.ts";

/** The services the protocols (HTTP routes, builder, CRI) call. No object holds them all but this record. */
export type Engine = {
  readonly containers: ContainerService;
  readonly execs: ExecService;
  readonly archives: ArchiveService;
  readonly images: ImageService;
  readonly networks: NetworkOperations;
  readonly volumes: VolumeService;
  readonly events: EventService;
  readonly system: SystemService;
  readonly steps: StepService;
};

/** The one word for a container's state, by precedence. */
export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

/** What the probes say so far. */
export type HealthStatus = "starting" | "healthy" | "unhealthy";

/** Outcome of a container's health checks. */
export type HealthState = {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  /** Newest last, at most five. */
  readonly log: readonly {
    readonly start: Nanoseconds;
    readonly end: Nanoseconds;
    readonly exitCode: number;
    readonly output: string;
  }[];
};

/** Docker's overlapping states: paused ⇒ running; in restart back-off ⇒ running and restarting. */
export type ContainerState = {
  readonly status: ContainerStatus;
  readonly running: boolean;
  readonly paused: boolean;
  readonly restarting: boolean;
  readonly oomKilled: boolean;
  readonly dead: boolean;
  /** 0 when not running. */
  readonly pid: number;
  readonly exitCode: number;
  readonly error: string;
  readonly startedAt: Nanoseconds | undefined;
  readonly finishedAt: Nanoseconds | undefined;
  readonly health: HealthState | undefined;
};

/** A mount as inspect shows it. */
export type MountPoint = {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** Volume name; "" otherwise. */
  readonly name: string;
  /** Host path; "" for tmpfs. */
  readonly source: string;
  readonly destination: string;
  readonly driver: string;
  readonly mode: string;
  readonly writable: boolean;
  readonly propagation: string;
};

/** A container as others see it; a snapshot, never live. */
export type ContainerView = {
  readonly id: ContainerId;
  /** Without the leading slash. */
  readonly name: string;
  /** What containers with a link to it call it: "web/database". */
  readonly linkNames: readonly string[];
  readonly created: Nanoseconds;
  readonly path: string;
  readonly args: readonly string[];
  readonly imageId: Digest;
  /** As the user named it at create; `list` shows the id instead when the tag has moved or gone. */
  readonly imageName: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly state: ContainerState;
  readonly restartCount: number;
  readonly mounts: readonly MountPoint[];
  /** By network name; empty addresses when not running. */
  readonly networks: readonly ContainerEndpoint[];
  readonly ports: readonly PublishedPort[];
  /** Path of the host's network namespace handle while running ("" otherwise). */
  readonly sandboxKey: string;
  readonly execIds: readonly ExecId[];
  readonly appArmorProfile: string;
  /** "overlay2" or "vfs". */
  readonly driver: string;
  readonly paths: {
    readonly resolvConf: string;
    readonly hostname: string;
    readonly hosts: string;
    readonly log: string;
  };
};

/** A container's place on one network, live or configured. */
export type ContainerEndpoint = {
  readonly networkName: string;
  readonly networkId: string;
  /** What was asked for. */
  readonly settings: EndpointSettings;
  /** What its neighbours call it; undefined on a network without names. */
  readonly dnsNames: readonly string[] | undefined;
  readonly macAddress: string;
  readonly endpoint: Endpoint | undefined;
};

/** Which streams to join, and what ends it. */
export type AttachOptions = {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Live stream. */
  readonly stream: boolean;
  /** Replay the log first. */
  readonly logs: boolean;
};

/** An attached stream: read = output (raw with a terminal, else multiplexed), write/end = stdin. */
export type Attachment = {
  readonly stream: Duplex;
  readonly terminal: boolean;
  /** With `logs`: what the log holds so far, to be sent before the live stream. */
  readonly replay?: AsyncIterable<LogRecord> | undefined;
  /** Resolves once the process's end is on record (or the stream was detached): close the client only after it. */
  readonly settled: Promise<void>;
};

/** Which end to wait for. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

/** One reading for `stats`. */
export type StatsSample = {
  readonly read: Nanoseconds;
  readonly id: ContainerId;
  readonly name: string;
  /** Undefined when not running. */
  readonly cgroup: CgroupStats | undefined;
  /** Host CPU time in nanoseconds, all CPUs (from /proc/stat), and how many there are. */
  readonly systemCpuUsage: bigint;
  readonly onlineCpus: number;
  readonly interfaces: Readonly<
    Record<
      string,
      Readonly<
        Record<
          "rxBytes" | "rxPackets" | "rxErrors" | "rxDropped" | "txBytes" | "txPackets" | "txErrors" | "txDropped",
          number
        >
      >
    >
  >;
};

/** Containers by id, name (with or without slash) or unique id prefix; errors in Docker's words (docs/errors.md). */
export type ContainerService = {
  create(request: {
    readonly name?: string | undefined;
    readonly body: CreateContainerBody;
    readonly platform?: string | undefined;
  }): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }>;
  /** Rejects with not-modified when it runs already. `detachKeys` are the attach default of this start. */
  start(reference: string): Promise<void>;
  /** Stop signal, grace (seconds; undefined = container's StopTimeout or 10; -1 = for ever), SIGKILL. not-modified when stopped. */
  stop(
    reference: string,
    options: { readonly signal?: string | undefined; readonly timeoutSeconds?: number | undefined },
  ): Promise<void>;
  restart(
    reference: string,
    options: { readonly signal?: string | undefined; readonly timeoutSeconds?: number | undefined },
  ): Promise<void>;
  /** Default SIGKILL, which waits for the exit; any other signal returns at once. Unknown signal = invalid. */
  kill(reference: string, signal?: string): Promise<void>;
  pause(reference: string): Promise<void>;
  unpause(reference: string): Promise<void>;
  /** The promise in the result settles later; the call itself validates, so that headers can go out first. */
  wait(
    reference: string,
    condition: WaitCondition,
    signal?: AbortSignal,
  ): Promise<{ readonly result: Promise<{ readonly exitCode: number; readonly error?: string | undefined }> }>;
  remove(
    reference: string,
    options: { readonly force: boolean; readonly volumes: boolean; readonly link: boolean },
  ): Promise<void>;
  rename(reference: string, name: string): Promise<void>;
  update(reference: string, body: UpdateContainerBody): Promise<{ readonly warnings: readonly string[] }>;
  attach(reference: string, options: AttachOptions): Promise<Attachment>;
  resize(reference: string, size: { readonly height: number; readonly width: number }): Promise<void>;
  /** Throws not-found in Docker's words. Cheap: from memory. */
  get(reference: string): ContainerView;
  /** Containers, newest first: all, or those that run. From memory, each looked at when it is asked for. */
  list(which?: "all" | "running"): IterableIterator<ContainerView>;
  /** The name of the container with this id. */
  findName(id: ContainerId): string | undefined;
  /** Bytes of the writable layer and of the whole root file system. */
  sizes(reference: string): Promise<{ readonly writableBytes: number; readonly rootFsBytes: number }>;
  logs(
    reference: string,
    options: LogReadOptions,
  ): Promise<{ readonly terminal: boolean; readonly records: AsyncIterable<LogRecord> }>;
  /** One reading; for a stopped container one without figures. */
  stats(reference: string): Promise<StatsSample>;
  /** `ps` of the host with `psArgs` ("-ef" default), lines of this container's processes. */
  top(
    reference: string,
    psArgs?: string,
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }>;
  /** Removes stopped containers. */
  prune(
    keep: (container: ContainerView) => boolean,
  ): Promise<{ readonly deleted: readonly ContainerId[]; readonly reclaimedBytes: number }>;
};

/** An exec as others see it; a snapshot, never live. */
export type ExecView = {
  readonly id: ExecId;
  readonly containerId: ContainerId;
  readonly running: boolean;
  /** null while it has not ended. */
  readonly exitCode: number | null;
  readonly pid: number;
  readonly body: CreateExecBody;
  /** Resolved "uid:gid" text as Docker shows it, i.e. what the client sent. */
  readonly user: string;
  readonly canRemove: boolean;
};

/** Further processes in running containers. */
export type ExecService = {
  create(container: string, body: CreateExecBody): Promise<ExecId>;
  /** Starts it. Detached: resolves without a stream once it runs. */
  start(
    id: string,
    options: {
      readonly detach: boolean;
      readonly terminal?: boolean;
      readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
    },
  ): Promise<Attachment | undefined>;
  resize(id: string, size: { readonly height: number; readonly width: number }): Promise<void>;
  get(id: string): ExecView;
};

/** What `X-Docker-Container-Path-Stat` carries. */
export type PathStat = {
  readonly name: string;
  readonly size: number;
  /** Go's FileMode bits (dir 1<<31, symlink 1<<27, …), not st_mode. */
  readonly mode: number;
  readonly modified: Nanoseconds;
  readonly linkTarget: string;
};

/** Files of containers, running or not, volumes included; every path is resolved with RESOLVE_IN_ROOT. */
export type ArchiveService = {
  stat(container: string, path: string): Promise<PathStat>;
  get(container: string, path: string): Promise<{ readonly stat: PathStat; readonly tar: AsyncIterable<Uint8Array> }>;
  /** `tar` may be compressed. */
  put(
    container: string,
    path: string,
    tar: AsyncIterable<Uint8Array>,
    options: { readonly noOverwriteDirectoryNonDirectory: boolean; readonly copyOwner: boolean },
  ): Promise<void>;
  changes(container: string): Promise<readonly Change[]>;
  /** The root file system without volumes. */
  export(container: string): Promise<AsyncIterable<Uint8Array>>;
  commit(
    container: string,
    options: {
      readonly reference?: string | undefined;
      readonly author?: string | undefined;
      readonly comment?: string | undefined;
      /** Dockerfile instructions (`--change`), already parsed into config edits by the caller. */
      readonly edit?: ((config: ContainerConfig) => ContainerConfig) | undefined;
      readonly config?: ContainerConfig | undefined;
      readonly pause: boolean;
    },
  ): Promise<Digest>;
};

/** The image catalogue, with the containers' say in removal, and events. */
export type ImageService = Pick<ImageCatalog, "find" | "get" | "list" | "history" | "save"> & {
  /** What a name stands for: the manifests of its index, here or not, or its one manifest. */
  manifests(reference: string): readonly ImageManifestView[];
  /** False for an image that is only one of several platforms of every name it has. */
  isFirstOf(image: ImageRecord): boolean;
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

/** Volumes, with the containers' say in their removal. */
export type VolumeService = {
  create(request: {
    readonly name?: string | undefined;
    readonly driver?: string | undefined;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly options?: Readonly<Record<string, string>> | undefined;
  }): Promise<VolumeRecord>;
  list(): readonly (VolumeRecord & { readonly usedBy: readonly ContainerId[] })[];
  get(name: string): VolumeRecord;
  /** Bytes of its files; -1 when they cannot be read. */
  sizeOf(name: string): Promise<number>;
  /** In use = conflict naming the containers. */
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  prune(
    keep: (volume: VolumeRecord) => boolean,
    options: { readonly all: boolean },
  ): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
};

/** Networks as users work with them. */
export type NetworkOperations = Pick<
  NetworkService,
  "list" | "get" | "isPredefined" | "create" | "remove" | "endpointsOf"
> & {
  /** Puts a container on a network, at once when it runs. All or nothing; errors in Docker's words. */
  connect(network: string, container: string, settings: EndpointSettings): Promise<void>;
  /** With `force` the network need not be there any more. */
  disconnect(network: string, container: string, options: { readonly force: boolean }): Promise<void>;
};

/** One thing that happened (`docker events`). */
export type EngineEvent = {
  readonly type: "container" | "image" | "network" | "volume" | "builder" | "daemon";
  /** "start", "exec_create: sh -c ls", "health_status: healthy", … */
  readonly action: string;
  readonly actor: { readonly id: string; readonly attributes: Readonly<Record<string, string>> };
  readonly time: Nanoseconds;
};

/** The bus of events and its ring of the last 256. */
export type EventService = {
  emit(event: Omit<EngineEvent, "time">): void;
  /** The ring of the last 256, oldest first. */
  past(): readonly EngineEvent[];
  /** Calls back in order, synchronously with `emit`. Returns the unsubscriber. */
  subscribe(listener: (event: EngineEvent) => void): () => void;
};

/** Facts about host and installation for `info`. */
export type SystemInfo = {
  readonly instanceId: string;
  readonly name: string;
  readonly dataRoot: string;
  readonly cgroupVersion: "1" | "2";
  readonly cgroupDriver: "cgroupfs" | "systemd";
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageDriver: string;
  readonly storageStatus: readonly (readonly [string, string])[];
  readonly runtimes: readonly {
    readonly name: string;
    readonly path: string;
    readonly works: boolean;
    readonly reason: string;
    readonly version: string;
  }[];
  readonly defaultRuntime: string;
  /** Of containers that name none. */
  /** Of the daemon: "rack=4". */
  readonly labels: readonly string[];
  readonly loggingDriver: string;
  /** Where CDI specifications are looked for. */
  readonly cdiDirectories: readonly string[];
  readonly logDrivers: readonly string[];
  readonly securityOptions: readonly string[];
  /** Which limits the host's kernel offers. */
  readonly capabilities: Readonly<
    Record<"memory" | "swap" | "pids" | "cpuShares" | "cpuset" | "cpuCfs" | "blkio" | "oomKillDisable", boolean>
  >;
  readonly warnings: readonly string[];
  readonly containers: Readonly<Record<"total" | "running" | "paused" | "stopped", number>>;
  readonly images: number;
  /** Which registries are trusted how. */
  readonly registryConfig: InfoResponse["RegistryConfig"];
  readonly ipv4Forwarding: boolean;
};

/** Facts about host and installation, and disk usage. */
export type SystemService = {
  info(): SystemInfo;
  /** Bytes of layers on disk, for `system df`. */
  layersSize(): Promise<number>;
};

/** A command of a build, run in a mounted root file system with a container's isolation, but no row, name or log. */
export type StepRequest = {
  /** Mounted root; the step writes into it. */
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** As in USER; resolved against the rootfs's passwd and group. */
  readonly user: string;
  readonly hostname?: string | undefined;
  readonly network: "default" | "none" | "host" | { readonly containerId: string } | { readonly networkName: string };
  /** Everything allowed, as `run --privileged`. @default false */
  readonly privileged?: boolean | undefined;
  /** CDI devices by their qualified names. */
  readonly devices?: readonly { readonly name: string; readonly required: boolean }[] | undefined;
  /** The group of `openGroup`, whose limits hold for all steps in it. */
  readonly group?: string | undefined;
  readonly extraHosts: readonly string[];
  readonly resources: UpdateContainerBody;
  readonly shmSizeBytes?: number | undefined;
  readonly ulimits?: HostConfig["Ulimits"];
  readonly securityOpt?: readonly string[] | undefined;
  readonly cgroupParent?: string | undefined;
  /** What is mounted over the step's root; the runtime makes the mount points where they are missing. */
  readonly mounts?: readonly StepMount[] | undefined;
  readonly output: (stream: "stdout" | "stderr", data: Uint8Array) => void;
  readonly signal?: AbortSignal | undefined;
};

/** A file, directory or socket of the host, or an empty tmpfs, that a step sees. */
export type StepMount =
  | { readonly source: string; readonly destination: string; readonly readonly: boolean }
  | { readonly tmpfsBytes: number | undefined; readonly destination: string };

/** A build's RUN: a container without row, name and log. */
export type StepService = {
  /**
   * Makes a control group for the steps of one build, with limits for all of them together. Throws kind invalid for
   * limits that make no sense here.
   */
  openGroup(resources: UpdateContainerBody, parent: string | undefined): StepGroup;
  /** Where the devices of a step mount something into it, besides the mounts of the request. */
  deviceMountPoints(devices: NonNullable<StepRequest["devices"]>): readonly string[];
  /** Runs to the end; the exit code is the result. Rejects when it could not be started or was cancelled. */
  run(request: StepRequest): Promise<{ readonly exitCode: number; readonly oomKilled: boolean }>;
};

/** A build's control group. `close` ends what is left in it. */
export type StepGroup = { readonly path: string; oomKills(): number; close(): Promise<void> };

/** The records the services hand out, for folders that may not reach the folders that define them. */
export type {
  BlkioEntry,
  CgroupStats,
  Change,
  Endpoint,
  ImageHistoryLine,
  ImageManifestView,
  ImageProgress,
  ImageRecord,
  ImageRemoval,
  LogReadOptions,
  LogRecord,
  NetworkRecord,
  NetworkRequest,
  PublishedPort,
  RestartPolicy,
  VolumeRecord,
};
