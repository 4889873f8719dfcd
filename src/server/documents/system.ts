import { readdirSync } from "node:fs";
import { formatRfc3339Nano, nowNanoseconds } from "#base";
import type { InfoResponse, VersionResponse } from "#formats";
import { type ApiVersion, MAX_API_VERSION, MIN_API_VERSION } from "../http/version.ts";
import type { ServerParts } from "../parts.ts";

/** The answer of `GET /version`. */
export function versionDocument({ version, engine }: ServerParts): VersionResponse {
  const runtimes = engine.system.info().runtimes.filter((runtime) => runtime.works);
  return {
    Platform: { Name: "Berth" },
    Components: [
      {
        Name: "Engine",
        Version: version.version,
        Details: {
          ApiVersion: MAX_API_VERSION,
          Arch: version.arch,
          BuildTime: version.buildTime,
          Experimental: String(version.experimental),
          GitCommit: version.gitCommit,
          GoVersion: version.toolchain,
          KernelVersion: version.kernelVersion,
          MinAPIVersion: MIN_API_VERSION,
          Os: "linux",
        },
      },
      ...runtimes.map((runtime) => ({
        Name: runtime.name,
        Version: runtime.version,
        Details: { Path: runtime.path },
      })),
    ],
    Version: version.version,
    ApiVersion: MAX_API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: version.gitCommit,
    GoVersion: version.toolchain,
    Os: "linux",
    Arch: version.arch,
    KernelVersion: version.kernelVersion,
    BuildTime: version.buildTime,
  };
}

/** The address of a proxy as others may see it (moby: maskCredentials). */
function withoutCredentials(proxy: string | undefined): string {
  return (proxy ?? "").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1xxxxx:xxxxx@");
}

/** Descriptors this process holds open. */
function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** What only some versions have, and what they had in another form (moby: system_routes.go, getInfo). */
function ofVersion(document: InfoResponse, version: ApiVersion, cdiDirectories: readonly string[]): InfoResponse {
  const result: InfoResponse = { ...document };
  if (version < 25) {
    // Just the names then: "seccomp" for "name=seccomp,profile=builtin".
    result.SecurityOptions = document.SecurityOptions.map(
      (option) => /(?:^|,)name=([^,]*)/.exec(option)?.[1] ?? option,
    );
  }
  if (version < 44) {
    const bare = (runtime: { path: string }) => ({ path: runtime.path });
    result.Runtimes = Object.fromEntries(
      Object.entries(document.Runtimes).map(([name, runtime]) => [name, bare(runtime)]),
    );
  } else result.CDISpecDirs = [...cdiDirectories];
  if (version < 48)
    result.RegistryConfig = {
      ...document.RegistryConfig,
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    };
  if (version < 49) {
    const expected = (commit: { ID: string }) => ({ ID: commit.ID, Expected: commit.ID });
    result.ContainerdCommit = expected(document.ContainerdCommit);
    result.RuncCommit = expected(document.RuncCommit);
    result.InitCommit = expected(document.InitCommit);
  } else result.FirewallBackend = { Driver: "nftables" };
  if (version < 50) {
    result.BridgeNfIptables = false;
    result.BridgeNfIp6tables = false;
  }
  return result;
}

/** The answer of `GET /info`. */
export function infoDocument(parts: ServerParts, spoken: ApiVersion): InfoResponse {
  return ofVersion(newestInfo(parts), spoken, parts.engine.system.info().cdiDirectories);
}

function newestInfo({ version, engine, counters, debug }: ServerParts): InfoResponse {
  const info = engine.system.info();
  const can = info.capabilities;
  const runtimes: InfoResponse["Runtimes"] = {};
  for (const runtime of info.runtimes) {
    runtimes[runtime.name] = runtime.works
      ? { path: runtime.path }
      : { path: runtime.path, status: { "berth.unusable": runtime.reason } };
  }
  return {
    ID: info.instanceId,
    Containers: info.containers.total,
    ContainersRunning: info.containers.running,
    ContainersPaused: info.containers.paused,
    ContainersStopped: info.containers.stopped,
    Images: info.images,
    Driver: info.storageDriver,
    DriverStatus: info.storageStatus,
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "null"],
      Authorization: null,
      Log: [...info.logDrivers],
    },
    MemoryLimit: can.memory,
    SwapLimit: can.swap,
    CpuCfsPeriod: can.cpuCfs,
    CpuCfsQuota: can.cpuCfs,
    CPUShares: can.cpuShares,
    CPUSet: can.cpuset,
    PidsLimit: can.pids,
    OomKillDisable: can.oomKillDisable,
    IPv4Forwarding: info.ipv4Forwarding,
    Debug: debug(),
    NFd: openDescriptors(),
    NGoroutines: 0,
    SystemTime: formatRfc3339Nano(nowNanoseconds()),
    LoggingDriver: info.loggingDriver,
    CgroupDriver: info.cgroupDriver,
    CgroupVersion: info.cgroupVersion,
    NEventsListener: counters.eventListeners,
    KernelVersion: info.kernelVersion,
    OperatingSystem: info.operatingSystem,
    OSVersion: info.osVersion,
    OSType: "linux",
    Architecture: info.architecture,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: info.registryConfig,
    NCPU: info.cpus,
    MemTotal: info.memoryBytes,
    GenericResources: null,
    DockerRootDir: info.dataRoot,
    HttpProxy: withoutCredentials(process.env["HTTP_PROXY"] ?? process.env["http_proxy"]),
    HttpsProxy: withoutCredentials(process.env["HTTPS_PROXY"] ?? process.env["https_proxy"]),
    NoProxy: process.env["NO_PROXY"] ?? process.env["no_proxy"] ?? "",
    Name: info.name,
    Labels: [...info.labels],
    ExperimentalBuild: version.experimental,
    ServerVersion: version.version,
    Runtimes: runtimes,
    DefaultRuntime: info.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: "",
    // What a container calls its init; the host may call it otherwise.
    InitBinary: "docker-init",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: info.securityOptions,
    Warnings: info.warnings.length === 0 ? null : info.warnings,
  };
}
