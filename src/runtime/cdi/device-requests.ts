import { statSync } from "node:fs";
import { splitDeviceNumber } from "#base";
import type { HostConfig, RuntimeDevice, RuntimeDeviceRule, RuntimeHooks, RuntimeMount } from "#formats";
import { errors } from "../errors.ts";
import { type CdiDevice, type CdiEdits, readCdiDevices } from "./specification.ts";

type DeviceRequest = NonNullable<HostConfig["DeviceRequests"]>[number];

/** What the devices that were asked for change about a container. */
export type DeviceEdits = {
  readonly env: readonly string[];
  readonly devices: readonly RuntimeDevice[];
  readonly rules: readonly RuntimeDeviceRule[];
  readonly mounts: readonly RuntimeMount[];
  readonly hooks: RuntimeHooks | undefined;
  readonly additionalGids: readonly number[];
};

/** Makers of GPUs whose tools write CDI specifications, by the class that `--gpus` means. */
const gpuKinds = ["nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu"];

/** Go's `%v` of a list of lists. */
function goText(capabilities: readonly (readonly string[])[]): string {
  return `[${capabilities.map((list) => `[${list.join(" ")}]`).join(" ")}]`;
}

/** The full names of devices that a request means. `--gpus` is served by the GPUs that CDI describes. */
function namesOf(request: DeviceRequest, devices: ReadonlyMap<string, CdiDevice>): readonly string[] {
  const driver = request.Driver ?? "";
  const capabilities = request.Capabilities ?? [];
  const ids = request.DeviceIDs ?? [];
  const count = request.Count ?? 0;
  if (driver === "cdi") {
    if (count !== 0) throw errors.deviceRequestInvalid("unexpected count in CDI device request");
    if (Object.keys(request.Options ?? {}).length > 0) {
      throw errors.deviceRequestInvalid("unexpected options in CDI device request");
    }
    return ids;
  }
  if (count !== 0 && ids.length > 0)
    throw errors.deviceRequestInvalid("cannot set both Count and DeviceIDs on device request");
  const wanted = driver === "" || driver === "nvidia" || driver === "amd" || driver === "intel";
  const kind = gpuKinds.find(
    (candidate) =>
      (driver === "" || candidate.startsWith(driver)) &&
      [...devices.keys()].some((name) => name.startsWith(`${candidate}=`)),
  );
  const isGpu = capabilities.length === 0 ? driver !== "" : capabilities.some((list) => list.includes("gpu"));
  if (!wanted || !isGpu || kind === undefined) throw errors.deviceDriverMissing(driver, goText(capabilities));
  if (ids.length > 0) return ids.map((id) => (id.includes("=") ? id : `${kind}=${id}`));
  if (count === -1 && devices.has(`${kind}=all`)) return [`${kind}=all`];
  const single = [...devices.keys()].filter((name) => name.startsWith(`${kind}=`) && !name.endsWith("=all"));
  if (count === -1) return single;
  const numbered = single.filter((name) => /=\d+$/.test(name)).slice(0, count);
  if (numbered.length < count) throw errors.deviceDriverMissing(driver, goText(capabilities));
  return numbered;
}

type Draft = {
  env: string[];
  devices: RuntimeDevice[];
  rules: RuntimeDeviceRule[];
  mounts: RuntimeMount[];
  hooks: RuntimeHooks;
  additionalGids: number[];
};

function applyEdits(draft: Draft, edits: CdiEdits, file: string): void {
  draft.env.push(...(edits.env ?? []));
  draft.additionalGids.push(...(edits.additionalGids ?? []).filter((gid) => gid !== 0));
  for (const node of edits.deviceNodes ?? []) {
    const hostPath = node.hostPath ?? node.path;
    const status = statSync(hostPath, { throwIfNoEntry: false });
    const isDevice = status?.isBlockDevice() === true || status?.isCharacterDevice() === true;
    if (!isDevice && (node.major === undefined || node.type === undefined)) {
      throw errors.cdiSpecificationInvalid(file, `failed to stat CDI host device "${hostPath}": no such device`);
    }
    const numbers = isDevice ? splitDeviceNumber(status.rdev) : { major: node.major ?? 0, minor: node.minor ?? 0 };
    const type = node.type ?? (status?.isBlockDevice() === true ? "b" : "c");
    const { major = numbers.major, minor = numbers.minor } = node;
    const fileMode = node.fileMode ?? (status === undefined ? undefined : status.mode & 0o777);
    draft.devices.push({
      path: node.path,
      type,
      major,
      minor,
      fileMode: fileMode ?? 0o666,
      uid: node.uid ?? status?.uid ?? 0,
      gid: node.gid ?? status?.gid ?? 0,
    });
    draft.rules.push({ allow: true, type, major, minor, access: node.permissions || "rwm" });
  }
  for (const { hostPath, containerPath, options, type } of edits.mounts ?? []) {
    draft.mounts.push({
      destination: containerPath,
      source: hostPath,
      type: type ?? "bind",
      options: options === undefined || options.length === 0 ? ["bind", "ro", "nosuid", "nodev"] : [...options],
    });
  }
  for (const { hookName, ...hook } of edits.hooks ?? []) (draft.hooks[hookName] ??= []).push(hook);
}

/**
 * Finds what `--device vendor.com/class=name` and `--gpus` ask for in the host's CDI specifications. Undefined when nothing
 * is asked for. Throws in Docker's words when a device or a driver is not there.
 */
export function resolveDeviceRequests(
  hostConfig: Pick<HostConfig, "DeviceRequests">,
  directories: readonly string[],
): DeviceEdits | undefined {
  const requests = hostConfig.DeviceRequests ?? [];
  if (requests.length === 0) return undefined;
  const { devices, problems } = readCdiDevices(directories);
  const names = new Set(requests.flatMap((request) => namesOf(request, devices)));
  const missing = [...names].filter((name) => !devices.has(name));
  if (missing.length > 0) throw errors.cdiUnresolvable(missing.join(", "), problems.join("; "));
  const draft: Draft = { env: [], devices: [], rules: [], mounts: [], hooks: {}, additionalGids: [] };
  const sharedOf = new Set<string>();
  for (const name of names) {
    const device = devices.get(name);
    if (device === undefined) continue;
    // What all devices of a file bring is brought once.
    if (device.shared !== undefined && !sharedOf.has(device.file)) {
      sharedOf.add(device.file);
      applyEdits(draft, device.shared, device.file);
    }
    applyEdits(draft, device.edits, device.file);
  }
  return { ...draft, hooks: Object.keys(draft.hooks).length === 0 ? undefined : draft.hooks };
}
