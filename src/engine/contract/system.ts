import type { InfoResponse } from "#formats";

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
  /** Of the daemon: "rack=4". */
  readonly labels: readonly string[];
  /** Of containers that name none. */
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
