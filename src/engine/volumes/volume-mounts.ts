import { existsSync } from "node:fs";
import { KernelError, mount, MOUNT_FLAG, readMountInfo, unmount } from "#linux";
import { type LocalMountOptions, mountOptions, type VolumeRecord } from "#volumes";
import { type Container, hasProcess } from "../containers/container.ts";
import type { ContainerRegistry } from "../containers/registry.ts";
import { errors } from "../errors.ts";
import { volumeUsers } from "./volume-users.ts";

/** Options of mount(8) that are flags of mount(2); the rest is the file system's own. */
const flags: ReadonlyMap<string, number> = new Map([
  ["ro", MOUNT_FLAG.readOnly],
  ["nosuid", MOUNT_FLAG.noSetuid],
  ["nodev", MOUNT_FLAG.noDevices],
  ["noexec", MOUNT_FLAG.noExec],
  ["bind", MOUNT_FLAG.bind],
  ["rbind", MOUNT_FLAG.bind + MOUNT_FLAG.recursive],
  ["noatime", 0x400],
  ["nodiratime", 0x800],
  ["relatime", 0x200000],
  ["sync", 0x10],
  ["dirsync", 0x80],
  ["private", MOUNT_FLAG.private],
  ["rprivate", MOUNT_FLAG.private + MOUNT_FLAG.recursive],
]);

/** Options that only undo a default. */
const noise = new Set(["", "rw", "suid", "dev", "exec", "async", "atime", "defaults"]);

/** Splits `o=` into mount(2)'s flags and its data string. */
export function splitMountOptions(text: string): { readonly flags: number; readonly data: string } {
  let bits = 0;
  const data: string[] = [];
  for (const option of text.split(",")) {
    const flag = flags.get(option);
    if (flag !== undefined) bits |= flag;
    else if (!noise.has(option)) data.push(option);
  }
  return { flags: bits, data: data.join(",") };
}

function isMounted(path: string): boolean {
  return readMountInfo().some((entry) => entry.mountPoint === path);
}

function mountVolume(volume: VolumeRecord, options: LocalMountOptions): void {
  const { flags: bits, data } = splitMountOptions(options.options);
  const isBind = (bits & MOUNT_FLAG.bind) !== 0;
  if (isBind && !existsSync(options.device)) {
    throw errors.volumeMountFailed(volume.name, volume.mountpoint, `${options.device}: no such file or directory`);
  }
  try {
    mount({
      source: options.device,
      target: volume.mountpoint,
      type: isBind ? "" : options.type,
      flags: bits,
      options: data,
    });
    // A bind takes its flags in a second call (mount(2)).
    if (isBind && (bits & MOUNT_FLAG.readOnly) !== 0) {
      mount({
        source: "none",
        target: volume.mountpoint,
        flags: MOUNT_FLAG.bind | MOUNT_FLAG.remount | MOUNT_FLAG.readOnly,
      });
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw errors.volumeMountFailed(volume.name, volume.mountpoint, error.message);
  }
}

/** Mounts the volumes of a container whose driver options make them mounts; idempotent. Call before it starts. */
export function mountVolumesOf(find: (name: string) => VolumeRecord | undefined, container: Container): void {
  for (const { type, name } of container.document.mounts) {
    const volume = type === "volume" ? find(name) : undefined;
    const options = volume === undefined ? undefined : mountOptions(volume.options);
    if (volume === undefined || options === undefined || isMounted(volume.mountpoint)) continue;
    mountVolume(volume, options);
  }
}

/** Unmounts those that no other running container uses; idempotent. Call after it ended. */
export function unmountVolumesOf(
  parts: {
    readonly find: (name: string) => VolumeRecord | undefined;
    readonly registry: Pick<ContainerRegistry, "all">;
  },
  container: Container,
): void {
  for (const { type, name } of container.document.mounts) {
    const volume = type === "volume" ? parts.find(name) : undefined;
    if (volume === undefined || mountOptions(volume.options) === undefined) continue;
    if (volumeUsers(parts.registry, name).some((user) => user !== container && hasProcess(user))) continue;
    unmount(volume.mountpoint);
  }
}
