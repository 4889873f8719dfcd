import { readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { splitDeviceNumber } from "#base";
import type { HostConfig, RuntimeDevice, RuntimeDeviceRule } from "#formats";
import { errors } from "../errors.ts";

const allow = (type: string, major: number, minor: number): RuntimeDeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access: "rwm",
});

/**
 * Deny all, then null, zero, full, random, urandom, tty, console, ptmx and ptys; mknod of any (moby, runc AllowedDevices).
 * Docker's further denial of /dev/fuse says nothing new, and runc refuses it on cgroup v1 next to the wildcards.
 */
export const defaultDeviceRules: readonly RuntimeDeviceRule[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  allow("c", 1, 3),
  allow("c", 1, 5),
  allow("c", 1, 7),
  allow("c", 1, 8),
  allow("c", 1, 9),
  allow("c", 5, 0),
  allow("c", 5, 1),
  allow("c", 5, 2),
  { allow: true, type: "c", major: 136, access: "rwm" },
  // /dev/net/tun: runc allows it by itself, crun does not.
  allow("c", 10, 200),
];

function deviceOf(inContainer: string, status: Stats): RuntimeDevice {
  return {
    path: inContainer,
    type: status.isBlockDevice() ? "b" : "c",
    ...splitDeviceNumber(status.rdev),
    fileMode: status.mode & 0o777,
    uid: status.uid,
    gid: status.gid,
  };
}

const isDevice = (status: Stats | undefined): status is Stats =>
  status !== undefined && (status.isBlockDevice() || status.isCharacterDevice());

/** Every device below a host directory, under the same names below `inContainer`. */
function devicesBelow(directory: string, inContainer: string): RuntimeDevice[] {
  const found: RuntimeDevice[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const target = join(inContainer, entry.name);
    if (entry.isDirectory()) {
      // Terminals and shared memory of the host are never a container's devices.
      if (!["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"].includes(entry.name)) {
        found.push(...devicesBelow(path, target));
      }
    } else if (entry.name !== "console") {
      const status = statSync(path, { throwIfNoEntry: false });
      if (isDevice(status)) found.push(deviceOf(target, status));
    }
  }
  return found;
}

/** `--device` and `--device-cgroup-rule`: nodes to make and rules to add. Throws when a path is no device. */
export function resolveDevices(hostConfig: HostConfig): {
  readonly devices: readonly RuntimeDevice[];
  readonly rules: readonly RuntimeDeviceRule[];
} {
  const isPrivileged = hostConfig.Privileged === true;
  const devices: RuntimeDevice[] = isPrivileged ? devicesBelow("/dev", "/dev") : [];
  const rules: RuntimeDeviceRule[] = [];
  for (const { PathOnHost, PathInContainer, CgroupPermissions } of hostConfig.Devices ?? []) {
    const access = CgroupPermissions ? CgroupPermissions : "rwm";
    if (!/^[rwm]{1,3}$/.test(access)) throw errors.deviceAccessInvalid(access);
    const status = statSync(PathOnHost, { throwIfNoEntry: false });
    const target = PathInContainer ? PathInContainer : PathOnHost;
    // It has all of them under their own names, with every access.
    if (isPrivileged && target === PathOnHost) continue;
    const isDirectory = status?.isDirectory() === true;
    const found = isDirectory ? devicesBelow(PathOnHost, target) : isDevice(status) ? [deviceOf(target, status)] : [];
    if (found.length === 0) throw errors.deviceMissing(PathOnHost);
    devices.push(...found);
    rules.push(...found.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access })));
  }
  if (isPrivileged) return { devices, rules: [] };
  for (const rule of hostConfig.DeviceCgroupRules ?? []) rules.push(parseDeviceRule(rule));
  return { devices, rules };
}

/** One `--device-cgroup-rule`: `c 42:* rmw` (cgroup v1 devices.txt). */
export function parseDeviceRule(text: string): RuntimeDeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw errors.deviceRuleInvalid(text);
  const [, type = "a", major = "*", minor = "*", access = "rwm"] = match;
  return {
    allow: true,
    type,
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access,
  };
}
