import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cpuWeightOfShares } from "#cgroups";
import type { HostConfig, RuntimeDevice, RuntimeProcess, RuntimeResources, RuntimeSpec } from "#formats";
import { closeFd, O, openDirectory, toByteString, tryOpenInRoot } from "#linux";
import type { Sandbox } from "#network";
import {
  buildRuntimeSpec,
  checkSysctls,
  resolveDeviceRequests,
  resolveDevices,
  runtimeResources,
  type SpecInput,
} from "#runtime";
import { capabilitySets, containerSecurity, privilegedCapabilities, resolveUser } from "#security";
import type { StepRequest } from "../contract/index.ts";
import { errors } from "../errors.ts";
import type { ExecProcess } from "../execs/run-in-container.ts";
import { linkVariables } from "../networks/links.ts";
import type { BoundSources } from "./bound-sources.ts";
import type { Container, StoredMount } from "./container.ts";
import { caEnvironment, containerEnvironment, mergeEnvironment } from "./environment.ts";
import type { EtcFiles } from "./etc-files.ts";
import { mountImage } from "./image-mounts.ts";
import { deviceNodes } from "./device-nodes.ts";
import { joinedContainer, namespacesOf } from "./namespaces.ts";
import { caMounts, containerMounts, etcMounts, stepMounts } from "./oci-mounts.ts";
import { cgroupPath, type ContainerParts } from "./parts.ts";
import { sharedMemory } from "./dev-shm.ts";
import { stepDevices } from "./step-devices.ts";
import type { UserNamespace } from "./user-namespace.ts";
import { oomScoreAdjustment, resourceLimits } from "./resource-limits.ts";

const initInContainer = "/sbin/docker-init";

/** apt's setting for the CA bundle, written beside the container's /etc files. */
function aptConfig(etc: EtcFiles): string {
  const path = join(dirname(etc.hosts), "apt-ca.conf");
  writeFileSync(path, 'Acquire::https::CAInfo "/dev/berth/ca-certificates.crt";\n', { mode: 0o644 });
  return path;
}

/** Runtimes that know recursive mount options (crun 1.4, runc 1.1). */
const recursiveRuntimes: ReadonlySet<string> = new Set(["crun", "runc"]);

/** Where a mount comes from on the host. A subpath is resolved inside its volume or image, where no link leads out. */
function mountSource(parts: ContainerParts, container: Container, mount: StoredMount, bound: BoundSources): string {
  const source = mount.type === "image" ? mountImage(parts, container, mount) : mount.source;
  const subpath = mount.subpath ?? "";
  // crun binds recursively whatever it is told.
  if (mount.nonRecursive === true && existsSync(source)) return bound.bind(source);
  if (subpath === "") return source;
  const root = openDirectory(toByteString(source));
  const fd = tryOpenInRoot(root, toByteString(subpath), O.path);
  closeFd(root);
  if (fd < 0) throw errors.subpathMissing(join(source, subpath));
  try {
    return bound.bind(`/proc/self/fd/${fd}`);
  } finally {
    closeFd(fd);
  }
}

/** config.json of a container that is about to start. `bound` is released once it runs. */
export function buildSpec(
  parts: ContainerParts,
  container: Container,
  start: {
    readonly rootfs: string;
    readonly sandbox: Sandbox | undefined;
    readonly user: UserNamespace | undefined;
    readonly etc: EtcFiles;
    readonly bound: BoundSources;
  },
): RuntimeSpec {
  const { config, hostConfig, path, args, mounts } = container.document;
  const security = containerSecurity(hostConfig, parts);
  const user = resolveUser(start.rootfs, config.User ?? "", hostConfig.GroupAdd ?? []);
  const usesInit = hostConfig.Init ?? parts.defaults.init;
  if (usesInit && parts.initPath === undefined) throw errors.initMissing();
  const command = [path, ...args];
  const namespaces = namespacesOf(parts.registry, container, start.sandbox);
  const devices = resolveDevices(hostConfig);
  const requested = resolveDeviceRequests(hostConfig, parts.cdiDirectories);
  const nodes = devicesFor(start, [...devices.devices, ...(requested?.devices ?? [])]);
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  const bundle = parts.hostCaBundle;
  return buildRuntimeSpec({
    process: {
      terminal: config.Tty === true,
      ...(config.Tty === true && height > 0 && width > 0 ? { consoleSize: { height, width } } : {}),
      user: {
        uid: user.uid,
        gid: user.gid,
        additionalGids: [...new Set([...user.additionalGids, ...(requested?.additionalGids ?? [])])],
      },
      args: usesInit ? [initInContainer, "--", ...command] : command,
      env: withHome(
        mergeEnvironment(
          containerEnvironment(config, bundle !== undefined, linkVariables(parts, container)),
          requested?.env ?? [],
        ),
        user.home,
      ),
      cwd: config.WorkingDir ? config.WorkingDir : "/",
      capabilities: capabilitySets(security.capabilities, user.uid),
      rlimits: resourceLimits(hostConfig, parts.defaults.ulimits),
      noNewPrivileges: security.noNewPrivileges,
      ...(security.appArmorProfile === undefined ? {} : { apparmorProfile: security.appArmorProfile }),
      oomScoreAdj: oomScoreAdjustment(hostConfig),
    },
    rootfs: start.rootfs,
    readonlyRootfs: hostConfig.ReadonlyRootfs === true,
    hostname: namespaces.uts === "private" ? hostnameOf(parts, container) : "",
    domainname: namespaces.uts === "private" ? (config.Domainname ?? "") : "",
    privileged: security.privileged,
    writableCgroups: security.writableCgroups,
    namespaces,
    user: start.user,
    shm: sharedMemory(parts, container),
    mounts: [
      ...etcMounts(start.etc),
      ...caMounts(bundle, bundle === undefined ? "" : aptConfig(start.etc)),
      ...(usesInit ? [initMount(parts.initPath ?? "")] : []),
      ...containerMounts(
        mounts,
        hostConfig,
        (mount) => mountSource(parts, container, mount, start.bound),
        recursiveRuntimes.has(hostConfig.Runtime ?? ""),
      ),
      ...(requested?.mounts ?? []),
      ...nodes.mounts,
    ],
    devices: nodes.devices,
    deviceRules: [...devices.rules, ...(requested?.rules ?? [])],
    hooks: requested?.hooks,
    // Weights are in the group before the runtime is (`prepare-group.ts`).
    resources: resourcesOf(parts, { ...hostConfig, BlkioWeight: 0, BlkioWeightDevice: [] }),
    cgroupsPath: cgroupPath(parts, container),
    seccomp: security.seccomp,
    maskedPaths: security.maskedPaths,
    readonlyPaths: security.readonlyPaths,
    sysctls: checkSysctls(hostConfig.Sysctls ?? {}, {
      network: namespaces.network !== "host",
      ipc: namespaces.ipc === "private",
      uts: namespaces.uts === "private",
    }),
    annotations: hostConfig.Annotations ?? {},
  });
}

/** On cgroup v2 old runtimes make another weight of CPU shares than an update does: it is spelled out for them. */
function resourcesOf(parts: Pick<ContainerParts, "hostLimits">, hostConfig: HostConfig): RuntimeResources {
  const resources = runtimeResources(hostConfig);
  const shares = hostConfig.CpuShares ?? 0;
  if (!parts.hostLimits.offered.cpuWeight || shares === 0) return resources;
  return { ...resources, unified: { "cpu.weight": String(cpuWeightOfShares(shares)) } };
}

/** HOME by passwd, unless the container sets its own. */
function withHome(environment: string[], home: string): string[] {
  return environment.some((entry) => entry.startsWith("HOME=")) ? environment : [...environment, `HOME=${home}`];
}

function initMount(initPath: string) {
  return { destination: initInContainer, type: "bind", source: initPath, options: ["bind", "ro", "rprivate"] };
}

/** A container in another's network has that one's name. */
function hostnameOf(parts: ContainerParts, container: Container): string {
  const mode = container.document.hostConfig.NetworkMode ?? "";
  if (!mode.startsWith("container:")) return container.document.config.Hostname ?? "";
  return joinedContainer(parts.registry, container, "network", mode).document.config.Hostname ?? "";
}

/** Devices are the runtime's to make, but where it cannot. */
function devicesFor(
  { user, bound }: { readonly user: UserNamespace | undefined; readonly bound: BoundSources },
  devices: readonly RuntimeDevice[],
): Pick<SpecInput, "devices" | "mounts"> {
  if (user === undefined) return { devices, mounts: [] };
  return { devices: [], mounts: deviceNodes(bound, devices, user.idMapping) };
}

/** config.json of a build step. */
export function buildStepSpec(
  parts: ContainerParts,
  step: {
    readonly request: StepRequest;
    readonly sandbox: Sandbox | undefined;
    readonly user: UserNamespace | undefined;
    readonly etc: EtcFiles;
    readonly cgroupsPath: string;
    readonly bound: BoundSources;
  },
): RuntimeSpec {
  const { request } = step;
  const hostConfig: HostConfig = {
    ...request.resources,
    SecurityOpt: request.securityOpt === undefined ? null : [...request.securityOpt],
    Ulimits: request.ulimits,
    ...(request.privileged === true ? { Privileged: true } : {}),
  };
  const security = containerSecurity(hostConfig, parts);
  const devices = resolveDevices(hostConfig);
  const requested = stepDevices(request.devices ?? [], parts.cdiDirectories);
  const nodes = devicesFor(step, [...devices.devices, ...(requested?.devices ?? [])]);
  const user = resolveUser(request.rootfs, request.user, []);
  const bundle = parts.hostCaBundle;
  const environment = bundle === undefined ? request.env : mergeEnvironment([...caEnvironment()], request.env);
  return buildRuntimeSpec({
    process: {
      terminal: false,
      user: {
        uid: user.uid,
        gid: user.gid,
        additionalGids: [...new Set([...user.additionalGids, ...(requested?.additionalGids ?? [])])],
      },
      args: [...request.args],
      env: withHome(mergeEnvironment([...environment], requested?.env ?? []), user.home),
      cwd: request.cwd === "" ? "/" : request.cwd,
      capabilities: capabilitySets(security.capabilities, user.uid),
      rlimits: resourceLimits(hostConfig, parts.defaults.ulimits),
      noNewPrivileges: security.noNewPrivileges,
      ...(security.appArmorProfile === undefined ? {} : { apparmorProfile: security.appArmorProfile }),
      oomScoreAdj: oomScoreAdjustment(hostConfig),
    },
    rootfs: request.rootfs,
    readonlyRootfs: false,
    hostname: request.hostname ?? "build",
    domainname: "",
    privileged: security.privileged,
    writableCgroups: security.writableCgroups,
    namespaces: {
      pid: "private",
      ipc: "private",
      uts: "private",
      cgroup: parts.defaults.cgroupnsMode,
      network: stepNetwork(parts, request, step.sandbox),
    },
    user: step.user,
    shm: { sizeBytes: request.shmSizeBytes ?? parts.defaults.shmSizeBytes },
    mounts: [
      ...etcMounts(step.etc),
      ...caMounts(bundle, bundle === undefined ? "" : aptConfig(step.etc)),
      ...stepMounts(request.mounts ?? []),
      ...(requested?.mounts ?? []),
      ...nodes.mounts,
    ],
    devices: nodes.devices,
    deviceRules: [...devices.rules, ...(requested?.rules ?? [])],
    hooks: requested?.hooks,
    resources: resourcesOf(parts, hostConfig),
    cgroupsPath: step.cgroupsPath,
    seccomp: security.seccomp,
    maskedPaths: security.maskedPaths,
    readonlyPaths: security.readonlyPaths,
    sysctls: {},
    annotations: {},
  });
}

function stepNetwork(
  parts: ContainerParts,
  request: StepRequest,
  sandbox: Sandbox | undefined,
): SpecInput["namespaces"]["network"] {
  if (sandbox !== undefined) return { path: sandbox.path };
  if (typeof request.network !== "object" || !("containerId" in request.network)) return "host";
  const target = parts.registry.get(request.network.containerId);
  return { path: `/proc/${target.life.pid}/ns/net` };
}

/** The OCI process of `exec`: the container's environment and confinement, the exec's command, user and directory. */
export function buildExecDocument(
  parts: ContainerParts,
  container: Container,
  rootfs: string,
  exec: ExecProcess,
): RuntimeProcess {
  const { config, hostConfig } = container.document;
  const security = containerSecurity(hostConfig, parts);
  const user = resolveUser(rootfs, exec.user === "" ? (config.User ?? "") : exec.user, hostConfig.GroupAdd ?? []);
  const capabilities = exec.privileged ? privilegedCapabilities() : security.capabilities;
  const environment = containerEnvironment(
    { ...config, Tty: exec.terminal },
    parts.hostCaBundle !== undefined,
    linkVariables(parts, container),
  );
  return {
    terminal: exec.terminal,
    ...(exec.consoleSize === undefined ? {} : { consoleSize: exec.consoleSize }),
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: [...exec.args],
    env: withHome(mergeEnvironment(environment, exec.env), user.home),
    cwd: exec.workingDirectory || config.WorkingDir || "/",
    capabilities: capabilitySets(capabilities, user.uid),
    rlimits: resourceLimits(hostConfig, parts.defaults.ulimits),
    noNewPrivileges: security.noNewPrivileges,
    ...(security.appArmorProfile === undefined ? {} : { apparmorProfile: security.appArmorProfile }),
    oomScoreAdj: oomScoreAdjustment(hostConfig),
  };
}
