import type { ContainerId, Digest, ExecId, Nanoseconds } from "#base";
import type { ContainerConfig, EndpointSettings, HostConfig } from "#formats";
import type { Endpoint, PublishedPort } from "#network";

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
