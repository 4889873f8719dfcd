import type { ContainerConfig, HostConfig, PortMap } from "./container.ts";

/** `PortSummary`: one line of a list's `Ports`; without `PublicPort` when the port is only exposed. */
export type PortSummary = { IP?: string; PrivatePort: number; PublicPort?: number; Type: string };

/** `MountPoint` as list and inspect show it. */
export type MountPointDocument = {
  Type: string;
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
};

/** `EndpointSettings` as the daemon answers it. */
export type EndpointDocument = {
  IPAMConfig: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null;
  Links: string[] | null;
  Aliases: string[] | null;
  MacAddress: string;
  DriverOpts: Record<string, string> | null;
  GwPriority?: number;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  DNSNames?: string[] | null;
};

/** One element of `GET /containers/json`. */
export type ContainerSummary = {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  /** Unix seconds. */
  Created: number;
  Ports: PortSummary[];
  SizeRw?: number;
  SizeRootFs?: number;
  Labels: Record<string, string>;
  State: string;
  Status: string;
  HostConfig: { NetworkMode: string; Annotations?: Record<string, string> };
  NetworkSettings: { Networks: Record<string, EndpointDocument> };
  Mounts: MountPointDocument[];
};

/** `Health` of inspect. */
export type HealthDocument = {
  Status: string;
  FailingStreak: number;
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
};

/** `ContainerState` of inspect; unset times are Go's zero time. */
export type ContainerStateDocument = {
  Status: string;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  StartedAt: string;
  FinishedAt: string;
  Health?: HealthDocument;
};

/** `NetworkSettings` of inspect, with the fields of the default bridge that old clients read. */
export type NetworkSettingsDocument = {
  Bridge: string;
  SandboxID: string;
  SandboxKey: string;
  Ports: PortMap;
  HairpinMode: boolean;
  LinkLocalIPv6Address: string;
  LinkLocalIPv6PrefixLen: number;
  SecondaryIPAddresses: null;
  SecondaryIPv6Addresses: null;
  EndpointID: string;
  Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  MacAddress: string;
  Networks: Record<string, EndpointDocument>;
};

/** The answer of `GET /containers/{id}/json`. */
export type ContainerInspect = {
  Id: string;
  Created: string;
  Path: string;
  Args: readonly string[];
  State: ContainerStateDocument;
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: readonly string[] | null;
  HostConfig: HostConfig;
  GraphDriver: { Name: string; Data: Readonly<Record<string, string>> | null };
  SizeRw?: number;
  SizeRootFs?: number;
  Mounts: MountPointDocument[];
  Config: ContainerConfig;
  NetworkSettings: NetworkSettingsDocument;
};

/** The answer of `GET /exec/{id}/json`; `ExitCode` is null while it runs. */
export type ExecInspect = {
  ID: string;
  Running: boolean;
  ExitCode: number | null;
  ProcessConfig: {
    tty: boolean;
    entrypoint: string;
    arguments: string[];
    privileged: boolean;
    user?: string;
  };
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  ContainerID: string;
  DetachKeys: string;
  Pid: number;
};

/** The body that ends `POST /containers/{id}/wait`. */
export type WaitResponse = { StatusCode: number; Error?: { Message: string } };

/** The answer of `GET /containers/{id}/top`. */
export type TopResponse = { Titles: readonly string[]; Processes: readonly (readonly string[])[] };

/** One element of `GET /containers/{id}/changes`: 0 modified, 1 added, 2 deleted. */
export type FilesystemChange = { Path: string; Kind: 0 | 1 | 2 };
