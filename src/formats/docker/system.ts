import type { ContainerSummary } from "./container-documents.ts";
import type { ImageSummary } from "./image-documents.ts";
import type { VolumeDocument } from "./volume.ts";

/** The answer of `GET /version`. */
export type VersionResponse = {
  Platform: { Name: string };
  Components: { Name: string; Version: string; Details: Record<string, string> }[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  BuildTime: string;
  /** Clients print it; the toolchain that runs the daemon. */
  GoVersion: string;
  Experimental?: boolean;
};

/** One record of the build cache in `GET /system/df`. */
export type BuildCacheDocument = {
  ID: string;
  Parents: string[] | null;
  Type: string;
  Description: string;
  InUse: boolean;
  Shared: boolean;
  Size: number;
  CreatedAt: string;
  LastUsedAt: string | null;
  UsageCount: number;
};

/** A cache mount of builds: an entry of `GET /berth/v1/build-mounts`. */
export type BuildMountDocument = {
  Key: string;
  /** As `--mount=type=cache,id=` has it, or the target. */
  Id: string;
  Size: number;
  InUse: boolean;
  CreatedAt: string;
  LastUsedAt: string;
  UsageCount: number;
};

/** The answer of `GET /system/df`. */
export type DiskUsageResponse = {
  LayersSize?: number;
  Images?: ImageSummary[];
  Containers?: ContainerSummary[];
  Volumes?: VolumeDocument[];
  BuildCache?: BuildCacheDocument[];
};

/** The answer of `GET /info`: what this daemon can say of itself and its host. */
export type InfoResponse = {
  ID: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DriverStatus: readonly (readonly [string, string])[];
  Plugins: { Volume: string[]; Network: string[]; Authorization: string[] | null; Log: string[] };
  MemoryLimit: boolean;
  SwapLimit: boolean;
  CpuCfsPeriod: boolean;
  CpuCfsQuota: boolean;
  CPUShares: boolean;
  CPUSet: boolean;
  PidsLimit: boolean;
  OomKillDisable: boolean;
  IPv4Forwarding: boolean;
  Debug: boolean;
  NFd: number;
  NGoroutines: number;
  SystemTime: string;
  LoggingDriver: string;
  CgroupDriver: string;
  CgroupVersion: string;
  NEventsListener: number;
  KernelVersion: string;
  OperatingSystem: string;
  OSVersion: string;
  OSType: "linux";
  Architecture: string;
  IndexServerAddress: string;
  RegistryConfig: {
    InsecureRegistryCIDRs: string[] | null;
    IndexConfigs: Record<string, { Name: string; Mirrors: string[]; Secure: boolean; Official: boolean }>;
    Mirrors: string[] | null;
    /** Below 1.48. */
    AllowNondistributableArtifactsCIDRs?: null;
    AllowNondistributableArtifactsHostnames?: null;
  };
  NCPU: number;
  MemTotal: number;
  GenericResources: null;
  DockerRootDir: string;
  HttpProxy: string;
  HttpsProxy: string;
  NoProxy: string;
  Name: string;
  Labels: string[];
  ExperimentalBuild: boolean;
  ServerVersion: string;
  Runtimes: Record<string, { path: string; status?: Record<string, string> }>;
  DefaultRuntime: string;
  Swarm: {
    NodeID: string;
    NodeAddr: string;
    LocalNodeState: "inactive";
    ControlAvailable: boolean;
    Error: string;
    RemoteManagers: null;
  };
  LiveRestoreEnabled: boolean;
  Isolation: string;
  InitBinary: string;
  /** `Expected` below 1.49. */
  ContainerdCommit: { ID: string; Expected?: string };
  RuncCommit: { ID: string; Expected?: string };
  InitCommit: { ID: string; Expected?: string };
  /** From 1.49 on. */
  FirewallBackend?: { Driver: string };
  /** From 1.44 on. */
  CDISpecDirs?: string[];
  /** Below 1.50, where they are always false. */
  BridgeNfIptables?: boolean;
  BridgeNfIp6tables?: boolean;
  SecurityOptions: readonly string[];
  Warnings: readonly string[] | null;
};
