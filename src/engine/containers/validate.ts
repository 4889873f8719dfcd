import { isAbsolute } from "node:path";
import type { ContainerConfig, HostConfig } from "#formats";
import { parseDeviceRule } from "#runtime";
import { errors } from "../errors.ts";
import { storageSize } from "./storage-options.ts";
import { parsePort } from "./port-publications.ts";
import { parseSignal } from "./signals.ts";

/** RFC 1123 labels, as Docker checks a hostname. */
const hostnamePattern =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*$/;

/** PATH_MAX without where control groups are mounted and what lies below the parent. */
const CGROUP_PATH_LIMIT = 3500;
const millisecond = 1_000_000;

/** Refuses what a container could never be started with (moby `daemon/container.go`, verifyContainerSettings). */
export function validateConfig(config: ContainerConfig): void {
  const directory = config.WorkingDir ?? "";
  if (directory !== "" && !isAbsolute(directory)) throw errors.workingDirectoryRelative(directory);
  for (const variable of config.Env ?? []) {
    if (variable === "" || variable.startsWith("=") || variable.includes("\0"))
      throw errors.environmentInvalid(variable);
  }
  const hostname = config.Hostname ?? "";
  if (hostname !== "" && (hostname.length > 63 || !hostnamePattern.test(hostname)))
    throw errors.hostnameInvalid(hostname);
  if ((config.StopSignal ?? "") !== "") parseSignal(config.StopSignal ?? "");
  for (const port of Object.keys(config.ExposedPorts ?? {})) parsePort(port);
  const health = config.Healthcheck;
  if (health !== null && health !== undefined) {
    const short = (value: number | null | undefined) =>
      value !== null && value !== undefined && value !== 0 && value < millisecond;
    if (short(health.Interval)) throw errors.healthInvalid("Interval");
    if (short(health.Timeout)) throw errors.healthInvalid("Timeout");
    if (short(health.StartPeriod)) throw errors.healthInvalid("StartPeriod");
    if (short(health.StartInterval)) throw errors.healthInvalid("StartInterval");
    if ((health.Retries ?? 0) < 0) throw errors.healthRetriesNegative();
  }
}

/** Refuses host options that contradict each other; resources are checked by `runtime`'s `validateResources`. */
export function validateHostConfig(config: ContainerConfig, hostConfig: HostConfig): void {
  const policy = hostConfig.RestartPolicy;
  const policyName = policy?.Name ?? "no";
  const retries = policy?.MaximumRetryCount ?? 0;
  if (retries !== 0 && policyName !== "on-failure") throw errors.restartPolicyCount(retries < 0);
  if (retries < 0) throw errors.restartPolicyNegative();
  if (hostConfig.AutoRemove === true && policyName !== "no" && policyName !== "") throw errors.autoRemoveWithPolicy();
  validateNetworkMode(config, hostConfig);
  const mode = (kind: string, value: string | null | undefined, allowed: readonly string[]) => {
    const text = value ?? "";
    if (text === "" || allowed.includes(text) || /^container:.+/.test(text)) return;
    throw errors.modeInvalid(kind, text);
  };
  mode("IPC", hostConfig.IpcMode, ["none", "private", "shareable", "host"]);
  mode("PID", hostConfig.PidMode, ["host"]);
  if (!["", "host"].includes(hostConfig.UTSMode ?? "")) throw errors.modeInvalid("UTS", hostConfig.UTSMode ?? "");
  if (hostConfig.UTSMode === "host" && (config.Hostname ?? "") !== "") {
    throw errors.optionsConflict("hostname and the UTS mode");
  }
  if (!["", "host"].includes(hostConfig.UsernsMode ?? ""))
    throw errors.modeInvalid("user namespace", hostConfig.UsernsMode ?? "");
  if (!["", "default"].includes(hostConfig.Isolation ?? "")) {
    throw errors.rangeExceeded(`invalid isolation: "${hostConfig.Isolation}" - linux only supports 'default'`);
  }
  if ((hostConfig.ShmSize ?? 0) < 0) throw errors.rangeExceeded("SHM size can not be less than 0");
  const score = hostConfig.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) {
    throw errors.rangeExceeded(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
  for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceRule(rule);
  if ((hostConfig.Cgroup ?? "") !== "") {
    throw errors.unsupportedOption("Cgroup", "the namespace of control groups is chosen with CgroupnsMode");
  }
  const parent = hostConfig.CgroupParent ?? "";
  // The container's id comes below it.
  if (parent.length > CGROUP_PATH_LIMIT || parent.split("/").some((name) => Buffer.byteLength(name) > 255))
    throw errors.rangeExceeded("invalid CgroupParent: it is longer than a path can be");
  if (Object.hasOwn(hostConfig.Annotations ?? {}, "")) throw errors.annotationEmpty();
  storageSize(hostConfig, undefined);
  for (const host of hostConfig.ExtraHosts ?? []) {
    if (!/^[^:=\s]+[:=].+$/.test(host)) throw errors.optionsConflict(`bad format for add-host: "${host}"`);
  }
}

function validateNetworkMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const mode = hostConfig.NetworkMode ?? "";
  if (!mode.startsWith("container:")) return;
  if (mode === "container:") throw errors.modeInvalid("network", mode);
  if ((config.Hostname ?? "") !== "") throw errors.optionsConflict("hostname and the network mode");
  if ((hostConfig.Links ?? []).length > 0)
    throw errors.optionsConflict(
      "container type network can't be used with links. This would result in undefined behavior",
    );
  if ((hostConfig.Dns ?? []).length > 0) throw errors.optionsConflict("dns and the network mode");
  if ((hostConfig.ExtraHosts ?? []).length > 0)
    throw errors.optionsConflict("custom host-to-IP mapping and the network mode");
  if ((config.MacAddress ?? "") !== "") throw errors.optionsConflict("mac-address and the network mode");
  if (Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts === true) {
    throw errors.optionsConflict("port publishing and the container type network mode");
  }
}
