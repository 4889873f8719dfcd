import { defineErrors } from "#base";

/** What a runtime was asked for when it failed. */
export type RuntimeAction = "create" | "exec";

/** How Docker begins its sentence about a failed start, and a failed exec. */
const prefixes: Readonly<Record<RuntimeAction, string>> = {
  create: "failed to create task for container: failed to create shim task: OCI runtime create failed",
  exec: "OCI runtime exec failed: exec failed",
};

/** Errors of `src/runtime`. Wording is Docker's where clients match on it. */
export const errors = defineErrors({
  commandNotFound: {
    kind: "invalid",
    message: (action: RuntimeAction, command: string, reason: string) =>
      `${prefixes[action]}: unable to start container process: exec: ${command}: ${reason}: unknown`,
    hint: () => "Check the command's name and that the image contains it.",
  },
  commandNotExecutable: {
    kind: "invalid",
    message: (action: RuntimeAction, command: string) =>
      `${prefixes[action]}: unable to start container process: exec: ${command}: permission denied: unknown`,
    hint: () => "The file must be a program with its execute bit set (chmod +x).",
  },
  workingDirectoryFile: {
    kind: "invalid",
    message: (path: string) => `Cannot mkdir: ${path} is not a directory`,
  },
  workingDirectoryUnusable: {
    kind: "invalid",
    message: (action: RuntimeAction, reason: string) =>
      `${prefixes[action]}: cannot change to the working directory: ${reason}`,
  },
  runtimeFailed: {
    kind: "internal",
    message: (action: RuntimeAction, reason: string) => `${prefixes[action]}: ${reason}`,
  },
  memoryMinimum: { kind: "invalid", message: () => "Minimum memory limit allowed is 6MB" },
  swapBelowMemory: {
    kind: "invalid",
    message: () => "Minimum memoryswap limit should be larger than memory limit, see usage",
  },
  swapWithoutMemory: {
    kind: "invalid",
    message: () => "You should always set the Memory limit when using Memoryswap limit, see usage",
  },
  reservationMinimum: { kind: "invalid", message: () => "Minimum memory reservation allowed is 6MB" },
  reservationAboveMemory: {
    kind: "invalid",
    message: () => "Minimum memory limit can not be less than memory reservation limit, see usage",
  },
  swappinessRange: {
    kind: "invalid",
    message: (value: number) => `Invalid value: ${value}, valid memory swappiness range is 0-100`,
  },
  kernelMemory: { kind: "invalid", message: () => "Minimum kernel memory limit allowed is 4MB" },
  optionsExclude: {
    kind: "invalid",
    message: (one: string, other: string) => `Conflicting options: ${one} and ${other} cannot both be set.`,
  },
  cpusRange: {
    kind: "invalid",
    message: (count: number) => `range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
  },
  cpuSharesRange: {
    kind: "invalid",
    message: (value: number) => {
      if (value < 0) return `invalid CPU shares (${value}): value must be a positive integer`;
      return value < 2 ? "The minimum allowed cpu-shares is 2" : "The maximum allowed cpu-shares is 262144";
    },
  },
  cpuPeriodRange: {
    kind: "invalid",
    message: () => "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
  },
  cpuQuotaRange: { kind: "invalid", message: () => "CPU cfs quota can not be less than 1ms (i.e. 1000)" },
  cpuRealtime: {
    kind: "invalid",
    message: () => "cpu real-time runtime cannot be higher than cpu real-time period",
  },
  cpuRealtimeMissing: { kind: "invalid", message: () => "kernel does not support CPU real-time scheduler" },
  nanoCpusMissing: {
    kind: "invalid",
    message: () =>
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
  },
  ioMaximum: {
    kind: "invalid",
    message: (what: "bandwidth" | "IOPs") =>
      `invalid QoS settings: linux does not support configuration of maximum ${what}`,
  },
  ulimitUnknown: { kind: "invalid", message: (name: string) => `invalid ulimit type: ${name}` },
  cpusetMalformed: {
    kind: "invalid",
    message: (which: string, text: string) => `Invalid value ${text} for cpuset ${which}`,
  },
  cpusetUnavailable: {
    kind: "invalid",
    message: (what: string, text: string, available: string) =>
      `Requested ${what} are not available - requested ${text}, available: ${available}`,
  },
  blkioWeightRange: {
    kind: "invalid",
    message: () => "Range of blkio weight is from 10 to 1000",
  },
  blkioWeightDeviceRange: {
    kind: "invalid",
    message: (path: string) => `Range of blkio weight of device ${path} is from 10 to 1000`,
  },
  blkioRate: { kind: "invalid", message: (path: string) => `the rate of device ${path} cannot be negative` },
  ulimitInverted: {
    kind: "invalid",
    message: (name: string, soft: number, hard: number) =>
      `ulimit ${name}: soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
  },
  sysctlMalformed: { kind: "invalid", message: (name: string) => `sysctl '${name}' is not allowed: malformed` },
  sysctlNotNamespaced: {
    kind: "invalid",
    message: (name: string) => `sysctl '${name}' is not allowed: it is not in a separate kernel namespace`,
  },
  sysctlShared: {
    kind: "invalid",
    message: (name: string, namespace: string) => `sysctl '${name}' is not allowed in the host ${namespace} namespace`,
  },
  // runc's wording; crun does not check.
  mountInProc: {
    kind: "invalid",
    message: (destination: string) => `"${destination}" cannot be mounted because it is inside /proc`,
    hint: () => "Mount it elsewhere; of /proc only files such as /proc/cpuinfo and /proc/meminfo can be replaced.",
  },
  deviceDriverMissing: {
    kind: "internal",
    message: (driver: string, capabilities: string) =>
      `could not select device driver "${driver}" with capabilities: ${capabilities}`,
    hint: () => "No CDI specification of this host describes such a device: look into /etc/cdi and /var/run/cdi.",
  },
  deviceRequestInvalid: { kind: "invalid", message: (sentence: string) => sentence },
  cdiUnresolvable: {
    kind: "internal",
    message: (names: string, problems: string) =>
      `CDI device injection failed: unresolvable CDI devices ${names}${problems === "" ? "" : ` (${problems})`}`,
    hint: () => "A device is named vendor.com/class=name by a file in /etc/cdi or /var/run/cdi.",
  },
  cdiSpecificationInvalid: {
    kind: "internal",
    message: (file: string, reason: string) => `CDI specification ${file} cannot be used: ${reason}`,
  },
  deviceMissing: {
    kind: "invalid",
    message: (path: string) =>
      `error gathering device information while adding custom device "${path}": no such file or directory`,
  },
  deviceAccessInvalid: { kind: "invalid", message: (access: string) => `invalid device mode: ${access}` },
  deviceRuleInvalid: { kind: "invalid", message: (rule: string) => `invalid device cgroup rule format: '${rule}'` },
  blockDeviceMissing: { kind: "invalid", message: (path: string) => `${path} is not a block device of this host` },
});
