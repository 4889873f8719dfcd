import { existsSync } from "node:fs";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { errorMessage } from "#base";
import { mount, MOUNT_FLAG, readMountInfo, unmount } from "#linux";
import type { VolumeRecord } from "./contract.ts";
import { errors } from "./errors.ts";
import { type LocalMountOptions, mountOptions } from "./mount-options.ts";

/** Options of mount(8) that are flags of mount(2); the rest is the file system's own (moby/sys/mount, flags_linux.go). */
const flags: ReadonlyMap<string, number> = new Map([
  ["ro", MOUNT_FLAG.readOnly],
  ["nosuid", MOUNT_FLAG.noSetuid],
  ["nodev", MOUNT_FLAG.noDevices],
  ["noexec", MOUNT_FLAG.noExec],
  ["bind", MOUNT_FLAG.bind],
  ["rbind", MOUNT_FLAG.bind + MOUNT_FLAG.recursive],
  ["remount", MOUNT_FLAG.remount],
  ["sync", 0x10],
  ["mand", 0x40],
  ["dirsync", 0x80],
  ["noatime", 0x400],
  ["nodiratime", 0x800],
  ["relatime", 0x200000],
  ["strictatime", 0x1000000],
]);

/** How a mount passes later mounts on; set by a call of its own (mount(2)). */
const propagations: ReadonlyMap<string, number> = new Map([
  ["unbindable", MOUNT_FLAG.unbindable],
  ["runbindable", MOUNT_FLAG.unbindable + MOUNT_FLAG.recursive],
  ["private", MOUNT_FLAG.private],
  ["rprivate", MOUNT_FLAG.private + MOUNT_FLAG.recursive],
  ["slave", MOUNT_FLAG.slave],
  ["rslave", MOUNT_FLAG.slave + MOUNT_FLAG.recursive],
  ["shared", MOUNT_FLAG.shared],
  ["rshared", MOUNT_FLAG.shared + MOUNT_FLAG.recursive],
]);

/** Options that only undo a default. */
const noise: ReadonlySet<string> = new Set(
  " rw suid dev exec async atime diratime norelatime nostrictatime nomand defaults".split(" "),
);

/** Splits `o=` into mount(2)'s flags, the propagation and the data string. */
export function splitMountOptions(text: string): {
  readonly flags: number;
  readonly propagation: number;
  readonly data: string;
} {
  let bits = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const option of text.split(",")) {
    const flag = flags.get(option);
    if (flag !== undefined) bits |= flag;
    else if (propagations.has(option)) propagation |= propagations.get(option) ?? 0;
    else if (!noise.has(option)) data.push(option);
  }
  return { flags: bits, propagation, data: data.join(",") };
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new Error(`error resolving passed in network volume address: lookup ${host}: no such host`, { cause: error });
  }
}

/** The kernel knows no names: `addr=` of NFS and CIFS, and CIFS's server, become addresses, as mount.nfs(8) does it. */
export async function resolveAddresses(options: LocalMountOptions): Promise<LocalMountOptions> {
  if (!/^(?:nfs4?|cifs)$/.test(options.type)) return options;
  const words = options.options.split(",");
  const at = words.findIndex((word) => word.startsWith("addr="));
  const host = words[at]?.slice("addr=".length) ?? "";
  if (host !== "") {
    if (isIP(host) !== 0) return options;
    words[at] = `addr=${await addressOf(host)}`;
    return { ...options, options: words.join(",") };
  }
  const server = options.type === "cifs" ? /^\/\/([^/]+)/.exec(options.device)?.[1] : undefined;
  if (server === undefined || isIP(server) !== 0) return options;
  return { ...options, device: options.device.replace(server, await addressOf(server)) };
}

/** What mount(2) said, without the password that was in the options. */
function reasonOf(error: unknown, options: LocalMountOptions): string {
  const password = /(?:^|,)password=([^,]+)/.exec(options.options)?.[1];
  const text = errorMessage(error);
  return password === undefined ? text : text.replaceAll(password, "********");
}

/** True when something is mounted on a volume's directory. */
function isVolumeMounted(volume: VolumeRecord): boolean {
  return readMountInfo().some((entry) => entry.mountPoint === volume.mountpoint);
}

/** File systems on other machines: mounting one may take minutes, and the call cannot be interrupted. */
const remoteTypes: ReadonlySet<string> = new Set(["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "fuse"]);

/** mount(8) without its helpers, so that the daemon goes on serving while a server does not answer. */
async function mountOutside(options: LocalMountOptions, target: string): Promise<void> {
  const flag = options.options === "" ? [] : ["-o", options.options];
  const child = Bun.spawn(["mount", "-i", "-t", options.type, ...flag, "--", options.device, target], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [text, exitCode] = await Promise.all([child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(text.trim().split("\n")[0] ?? `mount: exit status ${exitCode}`);
}

/** Mounts under way, by mount point: two starts at once mount a volume once. */
const underWay = new Map<string, Promise<void>>();

/** Mounts a volume whose options make it a mount; idempotent, and nothing for plain ones. */
export function mountVolume(volume: VolumeRecord): Promise<void> {
  const options = mountOptions(volume.options);
  if (options === undefined) return Promise.resolve();
  const { mountpoint } = volume;
  let work = underWay.get(mountpoint);
  if (work === undefined) {
    work = mountOnce(volume, options).finally(() => underWay.delete(mountpoint));
    underWay.set(mountpoint, work);
  }
  return work;
}

async function mountOnce(volume: VolumeRecord, given: LocalMountOptions): Promise<void> {
  const { mountpoint } = volume;
  let options = given;
  try {
    if (isVolumeMounted(volume)) return;
    options = await resolveAddresses(given);
    if (remoteTypes.has(options.type)) {
      await mountOutside(options, mountpoint);
      return;
    }
    const { flags: bits, propagation, data } = splitMountOptions(options.options);
    const isBind = (bits & MOUNT_FLAG.bind) !== 0;
    if (isBind && !existsSync(options.device)) throw new Error(`${options.device}: no such file or directory`);
    mount({
      source: options.device,
      target: mountpoint,
      type: isBind ? "" : options.type,
      flags: bits,
      options: data,
    });
    // A bind takes its flags, and any mount its propagation, in calls of their own (mount(2)).
    const own = bits & ~(MOUNT_FLAG.bind | MOUNT_FLAG.recursive | MOUNT_FLAG.remount);
    if (isBind && own !== 0) {
      mount({ source: "none", target: mountpoint, flags: MOUNT_FLAG.bind | MOUNT_FLAG.remount | own });
    }
    if (propagation !== 0) mount({ source: "none", target: mountpoint, flags: propagation });
  } catch (error) {
    throw errors.volumeMountFailed(volume.name, mountpoint, reasonOf(error, options));
  }
}

/** Unmounts a volume that is a mount; idempotent. */
export function unmountVolume(volume: VolumeRecord): void {
  if (mountOptions(volume.options) !== undefined) unmount(volume.mountpoint);
}

/** Unmounts everything at and below a directory that is about to be deleted: what is mounted there is somebody else's. */
export function unmountBelow(directory: string): void {
  const points = readMountInfo()
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point === directory || point.startsWith(`${directory}/`));
  for (const point of points.toReversed()) unmount(point);
}
