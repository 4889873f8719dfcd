import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  closeFd,
  errorCode,
  FILE_TYPE,
  fromByteString,
  O,
  openDirectory,
  readLinkAt,
  S_IFMT,
  toByteString,
  tryOpenInRoot,
} from "#linux";
import { statusInRoot } from "./path-status.ts";

/** A directory of the host, or one file in it, and where a container has it. */
export type MountedRoot = {
  readonly destination: string;
  readonly path: string;
  readonly fd: number;
  /** The only name that is mounted, of a bind of a file. */
  readonly file?: string;
};

/** As many links as the kernel follows (path_resolution(7)). */
const mostLinks = 40;

/** The innermost mount that an absolute path without links lies on. */
export function holderOf<Mount extends { readonly destination: string }>(
  mounts: readonly Mount[],
  path: string,
): Mount | undefined {
  const holds = ({ destination }: Mount) =>
    destination === "/" || path === destination || path.startsWith(`${destination}/`);
  return mounts.filter(holds).toSorted((one, other) => other.destination.length - one.destination.length)[0];
}

/** What is mounted of a host's path; undefined when it is no longer there. */
export function openMounted(destination: string, source: string): MountedRoot | undefined {
  try {
    const real = realpathSync(source);
    const isDirectory = statSync(real).isDirectory();
    const path = isDirectory ? real : dirname(real);
    const fd = openDirectory(toByteString(path));
    return isDirectory ? { destination, path, fd } : { destination, path, fd, file: basename(real) };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The path below the mount that holds it. */
export function below(mount: MountedRoot, path: string): string {
  if (mount.file !== undefined) return join("/", mount.file, path.slice(mount.destination.length));
  return mount.destination === "/" ? path : path.slice(mount.destination.length) || "/";
}

/** What a link below a mount says; `path` has no links before its last part. */
function linkText(mount: MountedRoot, path: string): string {
  const inside = below(mount, path);
  const parent = tryOpenInRoot(mount.fd, toByteString(dirname(inside)), O.path | O.directory);
  if (parent < 0) return "";
  try {
    return fromByteString(readLinkAt(parent, toByteString(inside.slice(inside.lastIndexOf("/") + 1))));
  } finally {
    closeFd(parent);
  }
}

/**
 * Follows the links of a path through a stopped container's mounts, which nobody has mounted: a link in a volume may lead
 * out of it, one in the root file system into a volume. What does not exist is taken as it is
 * written.
 */
export function resolveAcross(mounts: readonly MountedRoot[], given: string, followLast: boolean): string {
  const pending = join("/", given).split("/").filter(Boolean);
  let current = "/";
  let links = 0;
  while (pending.length > 0) {
    const part = pending.shift() ?? "";
    const next = join(current, part);
    const mount = holderOf(mounts, next);
    // "..", and a mount point, which is a directory.
    const inside = mount === undefined ? "/" : below(mount, next);
    const status = mount === undefined || part === ".." ? undefined : statusInRoot(mount.fd, inside);
    const isLink = status !== undefined && inside !== "/" && (status.mode & S_IFMT) === FILE_TYPE.symlink;
    if (mount !== undefined && isLink && (pending.length > 0 || followLast)) {
      links += 1;
      const target = linkText(mount, next);
      if (links > mostLinks || target === "") return join(next, ...pending);
      if (target.startsWith("/")) current = "/";
      pending.unshift(...target.split("/").filter((step) => step !== "" && step !== "."));
      continue;
    }
    if (status === undefined && part !== "..") return join(next, ...pending);
    current = next;
  }
  return current;
}
