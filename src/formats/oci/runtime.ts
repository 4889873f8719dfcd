/** The OCI runtime specification's config.json (config.md, config-linux.md), as far as Berth writes it. */
export type RuntimeSpec = {
  ociVersion: string;
  process: RuntimeProcess;
  root: { path: string; readonly: boolean };
  hostname?: string;
  domainname?: string;
  mounts: RuntimeMount[];
  annotations?: Record<string, string>;
  hooks?: RuntimeHooks;
  linux: RuntimeLinux;
};

/** `hooks`: programs of the host that the runtime runs around a start. Berth writes those of CDI specifications only. */
export type RuntimeHooks = Partial<
  Record<
    "prestart" | "createRuntime" | "createContainer" | "startContainer" | "poststart" | "poststop",
    { path: string; args?: string[] | undefined; env?: string[] | undefined; timeout?: number | undefined }[]
  >
>;

/** `process.user` of config.json. */
export type RuntimeUser = { uid: number; gid: number; additionalGids?: number[]; umask?: number };

/** `process` of config.json; also what `exec` is given. */
export type RuntimeProcess = {
  terminal: boolean;
  consoleSize?: { height: number; width: number };
  user: RuntimeUser;
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: Record<"bounding" | "effective" | "permitted" | "inheritable" | "ambient", string[]>;
  rlimits?: { type: string; soft: number; hard: number }[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
};

/** An entry of `mounts`. */
export type RuntimeMount = { destination: string; type: string; source: string; options: string[] };

/** An entry of `linux.namespaces`; with a path it is joined, else made. */
export type RuntimeNamespace = {
  type: "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";
  path?: string;
};

/** An entry of `linux.devices`. */
export type RuntimeDevice = {
  path: string;
  type: "c" | "b" | "p" | "u";
  major: number;
  minor: number;
  fileMode?: number;
  uid?: number;
  gid?: number;
};

/** An entry of `linux.resources.devices`. */
export type RuntimeDeviceRule = { allow: boolean; type?: string; major?: number; minor?: number; access?: string };

/** A condition on a system call's argument. */
export type RuntimeSeccompArgument = { index: number; value: number | string; valueTwo?: number | string; op: string };

/** `linux.seccomp`. */
export type RuntimeSeccomp = {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  syscalls?: { names: string[]; action: string; errnoRet?: number; args?: RuntimeSeccompArgument[] }[];
};

/** `linux.resources`. */
export type RuntimeResources = {
  devices?: RuntimeDeviceRule[];
  memory?: {
    limit?: number;
    reservation?: number;
    swap?: number;
    kernel?: number;
    kernelTCP?: number;
    swappiness?: number;
    disableOOMKiller?: boolean;
  };
  cpu?: {
    shares?: number;
    quota?: number;
    period?: number;
    realtimeRuntime?: number;
    realtimePeriod?: number;
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  blockIO?: {
    weight?: number;
    weightDevice?: { major: number; minor: number; weight: number }[];
    throttleReadBpsDevice?: { major: number; minor: number; rate: number }[];
    throttleWriteBpsDevice?: { major: number; minor: number; rate: number }[];
    throttleReadIOPSDevice?: { major: number; minor: number; rate: number }[];
    throttleWriteIOPSDevice?: { major: number; minor: number; rate: number }[];
  };
  unified?: Record<string, string>;
};

/** `linux` of config.json. */
export type RuntimeLinux = {
  namespaces: RuntimeNamespace[];
  devices?: RuntimeDevice[];
  cgroupsPath?: string;
  resources?: RuntimeResources;
  rootfsPropagation?: string;
  seccomp?: RuntimeSeccomp;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  sysctl?: Record<string, string>;
  mountLabel?: string;
  uidMappings?: { containerID: number; hostID: number; size: number }[];
  gidMappings?: { containerID: number; hostID: number; size: number }[];
};
