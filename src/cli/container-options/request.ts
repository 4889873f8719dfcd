import type { CreateContainerBody, HealthConfig, HostConfig } from "#formats";
import { cliErrors } from "../errors.ts";
import type { FlagValues } from "../flags/flag.ts";
import { terminalSize } from "../terminal/terminal.ts";
import { parseDevices, parseGpus, parseThrottles, parseWeights } from "./devices.ts";
import { readEnvironment, readKeyValueFile } from "./environment.ts";
import type { containerFlags } from "./flags.ts";
import { parseMap } from "./key-values.ts";
import { limitsOf } from "./limits.ts";
import { parseMount, parseTmpfs, parseVolumes } from "./mounts.ts";
import { chooseNetworks } from "./networks.ts";
import { parseExpose, parsePublish } from "./ports.ts";
import { parseRestartPolicy } from "./restart-policy.ts";
import { parseSecurity } from "./security.ts";
import { parseUlimits } from "./ulimits.ts";

export type ContainerFlagValues = FlagValues<typeof containerFlags>;

function invalid(sentence: string) {
  return cliErrors["bad-option"](sentence);
}

function healthcheck(flags: ContainerFlagValues): HealthConfig | undefined {
  const isDescribed =
    flags["health-cmd"] !== "" ||
    [
      flags["health-interval"],
      flags["health-timeout"],
      flags["health-start-period"],
      flags["health-start-interval"],
      flags["health-retries"],
    ].some((value) => (value ?? 0) !== 0);
  if (flags["no-healthcheck"]) {
    if (isDescribed) throw invalid("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!isDescribed) return undefined;
  for (const name of [
    "health-interval",
    "health-timeout",
    "health-retries",
    "health-start-period",
    "health-start-interval",
  ] as const) {
    if ((flags[name] ?? 0) < 0) throw invalid(`--${name} cannot be negative`);
  }
  return {
    Test: flags["health-cmd"] === "" ? null : ["CMD-SHELL", flags["health-cmd"]],
    Interval: flags["health-interval"] ?? 0,
    Timeout: flags["health-timeout"] ?? 0,
    StartPeriod: flags["health-start-period"] ?? 0,
    StartInterval: flags["health-start-interval"] ?? 0,
    Retries: flags["health-retries"] ?? 0,
  };
}

/** The entries of HostConfig that limit the container. */
function resources(flags: ContainerFlagValues): HostConfig {
  const swappiness = flags["memory-swappiness"] ?? -1;
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  const { devices, cdi } = parseDevices(flags.device);
  const requests = [...flags.gpus.map(parseGpus), ...(cdi.length === 0 ? [] : [{ Driver: "cdi", DeviceIDs: cdi }])];
  return {
    ...limitsOf(flags),
    BlkioWeightDevice: parseWeights(flags["blkio-weight-device"]),
    BlkioDeviceReadBps: parseThrottles(flags["device-read-bps"]),
    BlkioDeviceWriteBps: parseThrottles(flags["device-write-bps"]),
    BlkioDeviceReadIOps: parseThrottles(flags["device-read-iops"]),
    BlkioDeviceWriteIOps: parseThrottles(flags["device-write-iops"]),
    CgroupParent: flags["cgroup-parent"],
    CpuCount: flags["cpu-count"] ?? 0,
    CpuPercent: flags["cpu-percent"] ?? 0,
    Devices: devices,
    DeviceCgroupRules: [...flags["device-cgroup-rule"]],
    DeviceRequests: requests.length === 0 ? null : requests,
    IOMaximumBandwidth: flags["io-maxbandwidth"] ?? 0,
    IOMaximumIOps: flags["io-maxiops"] ?? 0,
    ...(flags["kernel-memory"] !== undefined && { KernelMemory: flags["kernel-memory"] }),
    MemorySwappiness: swappiness,
    OomKillDisable: flags["oom-kill-disable"],
    PidsLimit: flags["pids-limit"] ?? 0,
    Ulimits: parseUlimits(flags.ulimit),
  };
}

/** Modes that no daemon knows, in docker's sentences. */
function checkModes(flags: ContainerFlagValues): void {
  const isJoin = (mode: string) => /^container:./.test(mode);
  if (!["", "host"].includes(flags.pid) && !isJoin(flags.pid)) throw invalid("--pid: invalid PID mode");
  if (!["", "host"].includes(flags.uts)) throw invalid("--uts: invalid UTS mode");
  if (!["", "host"].includes(flags.userns)) throw invalid("--userns: invalid USER mode");
  if (!["", "host", "private"].includes(flags.cgroupns)) throw invalid("--cgroupns: invalid CGROUP mode");
}

function hostConfig(flags: ContainerFlagValues, networkMode: string, binds: string[]): HostConfig {
  const restart = parseRestartPolicy(flags.restart);
  if (flags.rm && restart.Name !== "no" && restart.Name !== "") {
    throw invalid("conflicting options: cannot specify both --restart and --rm");
  }
  checkModes(flags);
  if (flags["storage-opt"].some((option) => !option.includes("="))) throw invalid("invalid storage option");
  const security = parseSecurity(flags["security-opt"]);
  const size = flags.tty ? terminalSize() : undefined;
  return {
    ...resources(flags),
    Annotations: parseMap(flags.annotation),
    AutoRemove: flags.rm,
    Binds: binds,
    CapAdd: [...flags["cap-add"]],
    CapDrop: [...flags["cap-drop"]],
    CgroupnsMode: flags.cgroupns as HostConfig["CgroupnsMode"],
    ConsoleSize: size === undefined ? [0, 0] : [size.rows, size.columns],
    ContainerIDFile: flags.cidfile,
    Dns: [...flags.dns],
    DnsOptions: [...flags["dns-option"]],
    DnsSearch: [...flags["dns-search"]],
    // "name=address" is the CLI's newer spelling; the API knows "name:address".
    ExtraHosts: flags["add-host"].map((host) => host.replace("=", ":").replace(/^([^:]+):\[(.*)\]$/, "$1:$2")),
    GroupAdd: [...flags["group-add"]],
    ...(flags.init !== undefined && { Init: flags.init }),
    IpcMode: flags.ipc,
    Isolation: flags.isolation,
    Links: [...flags.link],
    LogConfig: { Type: flags["log-driver"], Config: parseMap(flags["log-opt"]) },
    ...(security.maskedPaths !== undefined && { MaskedPaths: security.maskedPaths }),
    ...(security.readonlyPaths !== undefined && { ReadonlyPaths: security.readonlyPaths }),
    Mounts: flags.mount.map(parseMount),
    NetworkMode: networkMode,
    OomScoreAdj: flags["oom-score-adj"] ?? 0,
    PidMode: flags.pid,
    PortBindings: parsePublish(flags.publish).bindings,
    Privileged: flags.privileged,
    PublishAllPorts: flags["publish-all"],
    ReadonlyRootfs: flags["read-only"],
    RestartPolicy: restart,
    ...(flags.runtime !== "" && { Runtime: flags.runtime }),
    SecurityOpt: security.options,
    ShmSize: flags["shm-size"] ?? 0,
    StorageOpt: parseMap(flags["storage-opt"]),
    Sysctls: parseMap(flags.sysctl),
    Tmpfs: parseTmpfs(flags.tmpfs),
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    VolumeDriver: flags["volume-driver"],
    VolumesFrom: [...flags["volumes-from"]],
  };
}

/** Which of the container's streams the command joins. */
export type Streams = { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };

/** `--attach`, or everything when nothing is said. */
export function chooseStreams(flags: ContainerFlagValues, detach: boolean): Streams {
  const named = new Set(flags.attach.map((stream) => stream.toLowerCase()));
  if (detach && named.size > 0) throw invalid("conflicting options: cannot specify both --attach and --detach");
  if (detach) return { stdin: false, stdout: false, stderr: false };
  if (named.size === 0) return { stdin: flags.interactive, stdout: true, stderr: true };
  return { stdin: named.has("stdin"), stdout: named.has("stdout"), stderr: named.has("stderr") };
}

/** Turns the flags of `create` and `run` into the body of `POST /containers/create`. Sentences of errors are docker's. */
export function toCreateBody(
  flags: ContainerFlagValues,
  image: string,
  commandLine: readonly string[],
  streams: Streams,
): CreateContainerBody {
  const ports = parsePublish(flags.publish);
  const volumes = parseVolumes(flags.volume);
  const network = chooseNetworks(flags);
  const labels = [...flags["label-file"].flatMap((path) => readKeyValueFile(path, () => "")), ...flags.label];
  return {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    AttachStdin: streams.stdin,
    AttachStdout: streams.stdout,
    AttachStderr: streams.stderr,
    ExposedPorts: { ...ports.exposed, ...parseExpose(flags.expose) },
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && streams.stdin,
    Env: readEnvironment(flags.env, flags["env-file"]),
    Cmd: commandLine.length === 0 ? null : [...commandLine],
    Healthcheck: healthcheck(flags),
    Image: image,
    Volumes: volumes.anonymous,
    WorkingDir: flags.workdir,
    Entrypoint: flags.entrypoint === undefined ? null : [flags.entrypoint],
    Labels: parseMap(labels),
    ...(flags["stop-signal"] !== "" && { StopSignal: flags["stop-signal"] }),
    ...(flags["stop-timeout"] !== undefined && { StopTimeout: flags["stop-timeout"] }),
    ...(flags["mac-address"] !== "" && { MacAddress: flags["mac-address"] }),
    HostConfig: hostConfig(flags, network.mode, volumes.binds),
    NetworkingConfig: { EndpointsConfig: network.endpoints },
  };
}
