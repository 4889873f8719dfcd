import { formatRfc3339Nano, type Nanoseconds, ZERO_TIME } from "#base";
import type { ContainerState, ContainerView } from "#engine";
import type { ContainerConfig, ContainerInspect, ContainerStateDocument, HostConfig } from "#formats";
import type { ApiVersion } from "../http/version.ts";
import { mountDocument } from "./container-summary.ts";
import { networkSettings } from "./networking.ts";

/** RFC 3339, or Go's zero time. */
export function timeText(time: Nanoseconds | undefined): string {
  return time === undefined ? ZERO_TIME : formatRfc3339Nano(time);
}

function stateDocument(state: ContainerState): ContainerStateDocument {
  const document: ContainerStateDocument = {
    Status: state.status,
    Running: state.running,
    Paused: state.paused,
    Restarting: state.restarting,
    OOMKilled: state.oomKilled,
    Dead: state.dead,
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: timeText(state.startedAt),
    FinishedAt: timeText(state.finishedAt),
  };
  if (state.health !== undefined) {
    document.Health = {
      Status: state.health.status,
      FailingStreak: state.health.failingStreak,
      Log: state.health.log.map((probe) => ({
        Start: formatRfc3339Nano(probe.start),
        End: formatRfc3339Nano(probe.end),
        ExitCode: probe.exitCode,
        Output: probe.output,
      })),
    };
  }
  return document;
}

/** Every field of Docker's HostConfig that is written even when unset, with Go's zero value. */
const hostConfigZero: HostConfig = {
  Binds: null,
  ContainerIDFile: "",
  LogConfig: { Type: "json-file", Config: {} },
  NetworkMode: "bridge",
  PortBindings: {},
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: "private",
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "private",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  ShmSize: 67_108_864,
  Runtime: "",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: null,
  ReadonlyPaths: null,
};

const configZero: ContainerConfig = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
};

/** Fills what is null or missing with Go's zero, so that clients find every key they know. */
function filled<T extends object>(zero: T, given: T): T {
  const result = { ...zero };
  for (const key of Object.keys(given) as (keyof T)[]) {
    const value = given[key];
    if (value !== null && value !== undefined) result[key] = value;
  }
  return result;
}

/** Without the fields that Go leaves out: those that are null, false, zero or empty. */
function withoutZeros<T extends object>(value: T): T {
  const kept = Object.entries(value).filter(
    ([, field]) => field !== null && field !== undefined && field !== 0 && field !== "" && field !== false,
  );
  return Object.fromEntries(kept) as T;
}

/** A container's or an image's `Config` with every field Docker always writes. */
export function configDocument(config: ContainerConfig): ContainerConfig {
  const document = filled(configZero, config);
  if (document.Healthcheck) document.Healthcheck = withoutZeros(document.Healthcheck);
  return document;
}

/** `HostConfig` likewise; the options of a mount are only there when they were given. */
function hostConfigDocument(hostConfig: HostConfig): HostConfig {
  const document = filled(hostConfigZero, hostConfig);
  if (document.Mounts) document.Mounts = document.Mounts.map(withoutZeros);
  return document;
}

/** The answer of `GET /containers/{id}/json`. */
export function containerInspect(
  container: ContainerView,
  directories: Readonly<Record<string, string>> | undefined,
  version: ApiVersion,
): ContainerInspect {
  return {
    Id: container.id,
    Created: formatRfc3339Nano(container.created),
    Path: container.path,
    Args: container.args,
    State: stateDocument(container.state),
    Image: container.imageId,
    ResolvConfPath: container.paths.resolvConf,
    HostnamePath: container.paths.hostname,
    HostsPath: container.paths.hosts,
    LogPath: container.paths.log,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: container.driver,
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: container.appArmorProfile,
    ExecIDs: container.execIds.length === 0 ? null : container.execIds,
    HostConfig: hostConfigDocument(container.hostConfig),
    GraphDriver: { Name: container.driver, Data: directories ?? null },
    Mounts: container.mounts.map(mountDocument),
    Config: configDocument(container.config),
    NetworkSettings: networkSettings(container, version),
  };
}
