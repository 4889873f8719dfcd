import type { CreateContainerBody, HostConfig } from "#formats";
import { serverErrors } from "../errors.ts";
import type { ApiVersion } from "../http/version.ts";

type Endpoints = Record<string, NonNullable<EndpointsConfig[string]>>;
type EndpointsConfig = NonNullable<NonNullable<CreateContainerBody["NetworkingConfig"]>["EndpointsConfig"]>;

/** Docker's name for the option that carries an endpoint's sysctls. */
const endpointSysctls = "com.docker.network.endpoint.sysctls";

/**
 * Reads a create request as the version it was sent to meant it: fields that came later are ignored or refused, and
 * defaults that changed are the old ones (moby: api/server/router/container/container_routes.go, postContainersCreate).
 * @param cgroupVersion of the host: older clients expect the host's namespace of control groups on version 1
 */
export function asOfVersion(
  body: CreateContainerBody,
  version: ApiVersion,
  cgroupVersion: () => "1" | "2",
): { readonly body: CreateContainerBody; readonly warnings: readonly string[] } {
  const hostConfig: HostConfig = { ...body.HostConfig };
  if (!hostConfig.Runtime) hostConfig.Runtime = body.Runtime;
  const result: CreateContainerBody = { ...body, Runtime: undefined, HostConfig: hostConfig };
  const warnings: string[] = [];
  // From 1.25 on the daemon removes; before, the client did.
  if (version < 25) hostConfig.AutoRemove = false;
  if (version < 40) {
    hostConfig.KernelMemoryTCP = undefined;
    if ((hostConfig.IpcMode ?? "") === "") hostConfig.IpcMode = "shareable";
  }
  if (version < 41 && (hostConfig.CgroupnsMode ?? "") === "" && cgroupVersion() === "1")
    hostConfig.CgroupnsMode = "host";
  if (version < 42) hostConfig.ConsoleSize = undefined;
  else hostConfig.KernelMemory = undefined;
  if (version < 43) hostConfig.Annotations = undefined;
  if (version < 44 && body.Healthcheck !== null && body.Healthcheck !== undefined)
    result.Healthcheck = { ...body.Healthcheck, StartInterval: 0 };
  hostConfig.Mounts = mountsAsOf(hostConfig.Mounts, version);
  checkEndpoints(body, version);
  const endpoints = endpointsOf(body);
  const macWarning = migrateMacAddress(result, hostConfig, endpoints, version);
  if (macWarning !== undefined) warnings.push(macWarning);
  const sysctlWarning = migrateSysctls(hostConfig, endpoints, version);
  if (sysctlWarning !== undefined) warnings.push(sysctlWarning);
  if (Object.keys(endpoints).length > 0)
    result.NetworkingConfig = { ...body.NetworkingConfig, EndpointsConfig: endpoints };
  return { body: result, warnings };
}

function mountsAsOf(mounts: HostConfig["Mounts"], version: ApiVersion): HostConfig["Mounts"] {
  return mounts?.map((given) => {
    const mount = { ...given };
    if (version < 40 && mount.BindOptions) mount.BindOptions = { ...mount.BindOptions, NonRecursive: false };
    if (version < 42) {
      if (mount.BindOptions) mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: false };
      // Blocks of another type were not looked at.
      if (mount.Type !== "volume") mount.VolumeOptions = undefined;
      if (mount.Type !== "tmpfs") mount.TmpfsOptions = undefined;
      if (mount.Type !== "bind") mount.BindOptions = undefined;
    } else {
      const type = mount.Type ?? "";
      if (mount.VolumeOptions && type !== "volume") throw serverErrors["mount-options-mismatch"]("VolumeOptions", type);
      if (mount.BindOptions && type !== "bind") throw serverErrors["mount-options-mismatch"]("BindOptions", type);
      if (mount.TmpfsOptions && type !== "tmpfs") throw serverErrors["mount-options-mismatch"]("TmpfsOptions", type);
    }
    if (version < 44 && mount.Type === "bind") {
      if (mount.BindOptions?.ReadOnlyForceRecursive === true)
        throw serverErrors["needs-newer-version"]("BindOptions.ReadOnlyForceRecursive", "1.44");
      // Read-only was never recursive then.
      if (mount.ReadOnly === true) mount.BindOptions = { ...mount.BindOptions, ReadOnlyNonRecursive: true };
    }
    if (version < 45 && (mount.VolumeOptions?.Subpath ?? "") !== "")
      throw serverErrors["needs-newer-version"]("VolumeOptions.Subpath", "1.45");
    return mount;
  });
}

function checkEndpoints(body: CreateContainerBody, version: ApiVersion): void {
  const names = Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {});
  if (version < 44 && names.length > 1) throw serverErrors["multiple-endpoints"](names.join(", "));
}

function endpointsOf(body: CreateContainerBody): Endpoints {
  const endpoints: Endpoints = {};
  for (const [name, settings] of Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {}))
    endpoints[name] = { ...settings };
  return endpoints;
}

/** The mode's network as its endpoint is called; "default" is what `NetworkMode` "" and "default" mean. */
function networkName(hostConfig: HostConfig, endpoints: Endpoints): string {
  const mode = hostConfig.NetworkMode ?? "";
  if (mode !== "" && mode !== "default") return mode;
  return endpoints["default"] === undefined && endpoints["bridge"] !== undefined ? "bridge" : "default";
}

function hasOwnNetwork(hostConfig: HostConfig): boolean {
  const mode = hostConfig.NetworkMode ?? "";
  return mode !== "host" && mode !== "none" && !mode.startsWith("container:");
}

/** The endpoint that settings of the whole container belong to; made when there is none at all. */
function mainEndpoint(hostConfig: HostConfig, endpoints: Endpoints, version: ApiVersion): Endpoints[string] {
  const name = networkName(hostConfig, endpoints);
  if (Object.keys(endpoints).length === 0) endpoints[name] = {};
  const endpoint = version < 44 ? Object.values(endpoints)[0] : endpoints[name];
  if (endpoint === undefined) throw serverErrors["network-mode-mismatch"]();
  return endpoint;
}

/** The address was the container's below 1.44 and is an endpoint's since. */
function migrateMacAddress(
  body: CreateContainerBody,
  hostConfig: HostConfig,
  endpoints: Endpoints,
  version: ApiVersion,
): string | undefined {
  const address = body.MacAddress ?? "";
  if (version < 44) {
    if (address === "") for (const endpoint of Object.values(endpoints)) delete endpoint.MacAddress;
    else if (hasOwnNetwork(hostConfig)) mainEndpoint(hostConfig, endpoints, version).MacAddress = address;
    return undefined;
  }
  if (address === "") return undefined;
  if (hasOwnNetwork(hostConfig)) {
    const endpoint = mainEndpoint(hostConfig, endpoints, version);
    if ((endpoint.MacAddress ?? "") === "") endpoint.MacAddress = address;
    else if (endpoint.MacAddress !== address) throw serverErrors["mac-address-mismatch"]();
    body.MacAddress = undefined;
  }
  return "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";
}

/** Sysctls of `eth0` can only be set once it is there: they become an option of the endpoint. */
function migrateSysctls(hostConfig: HostConfig, endpoints: Endpoints, version: ApiVersion): string | undefined {
  if (!hasOwnNetwork(hostConfig)) return undefined;
  const rest: Record<string, string> = {};
  const moved: string[] = [];
  const values: string[] = [];
  for (const [name, value] of Object.entries(hostConfig.Sysctls ?? {})) {
    const match = /^net\.([^.]+)\.([^.]+)\.(eth[^.]*)\.(.+)$/.exec(name);
    if (match === null) {
      rest[name] = value;
      continue;
    }
    if (version > 46) throw serverErrors["sysctl-needs-endpoint"](name);
    if (match[3] !== "eth0") throw serverErrors["sysctl-without-endpoint"](name);
    moved.push(name);
    values.push(`net.${match[1]}.${match[2]}.IFNAME.${match[4]}=${value}`);
  }
  if (moved.length === 0) return undefined;
  hostConfig.Sysctls = rest;
  const endpoint = mainEndpoint(hostConfig, endpoints, version);
  const before = endpoint.DriverOpts?.[endpointSysctls];
  const text = values.join(",");
  endpoint.DriverOpts = {
    ...endpoint.DriverOpts,
    [endpointSysctls]: before === undefined ? text : `${text},${before}`,
  };
  return `Migrated sysctl "${moved.join(",")}" to DriverOpts{"${endpointSysctls}":"${text}"}.`;
}
