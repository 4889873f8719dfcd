import { join } from "node:path";
import { closeFd, openDirectory, toByteString } from "#linux";
import { type Container, hasProcess } from "../containers/container.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { below, holderOf, type MountedRoot, openMounted, resolveAcross } from "./across-mounts.ts";
import { asksForDirectory, resolveInRoot } from "./path-status.ts";

/** A container's files as its processes see them; `release` ends the use. */
export type ContainerRoot = {
  /** Descriptor of the root directory; every path is resolved below it (RESOLVE_IN_ROOT). */
  readonly fd: number;
  /** A path by which functions that open the root themselves reach it. */
  readonly path: string;
  /** What of the given path is left to be resolved below this root. */
  readonly rest: string;
  /** What the path lies on when that may not be written to. */
  readonly readonly: "root" | "volume" | undefined;
  /** The root directory of the container itself, where its /etc/passwd lies. */
  readonly home: string;
  /** What is mounted below the given path and is not seen through `fd`, by its path from there. */
  readonly mountsBelow: ReadonlyMap<string, { readonly directoryFd: number; readonly file?: string | undefined }>;
  /** Where a path of the container leads to, all links followed; undefined when nowhere. */
  resolve(path: string): string | undefined;
  release(): void;
};

type OpenOptions = {
  /** Follows the last part of the path too, as the place that archives are unpacked to is. */
  readonly followLast: boolean;
};

/** What the place may not be written to for, by the path that links were followed to. */
function readonlyOf(container: Container, resolved: string): ContainerRoot["readonly"] {
  const { mounts, hostConfig } = container.document;
  const held = holderOf(
    mounts.filter(({ type }) => type !== "tmpfs" && type !== "image"),
    resolved,
  );
  if (held === undefined) return hostConfig.ReadonlyRootfs === true ? "root" : undefined;
  return held.writable ? undefined : "volume";
}

/**
 * Opens the file system that `path` lies in once links were followed. A running container shows its mounts through
 * /proc/PID/root; a stopped one has none, so links are followed here, from mount to mount.
 */
export function openContainerRoot(
  parts: ContainerParts,
  container: Container,
  path: string,
  { followLast }: OpenOptions,
): ContainerRoot {
  if (hasProcess(container)) {
    const root = `/proc/${container.life.pid}/root`;
    const fd = openDirectory(root);
    const resolve = (given: string) => resolveInRoot(fd, given);
    const readonly = readonlyOf(container, resolve(path) ?? join("/", path));
    const mountsBelow = new Map<string, never>();
    return { fd, path: root, rest: path, readonly, home: root, mountsBelow, resolve, release: () => closeFd(fd) };
  }
  using opened = new DisposableStack();
  const snapshot = openSnapshotRoot(parts, container, path);
  opened.defer(snapshot.release);
  const whole: MountedRoot = { destination: "/", path: snapshot.path, fd: snapshot.fd };
  const mounted = [whole];
  for (const { destination, source, type } of container.document.mounts) {
    if (type === "tmpfs" || type === "image") continue;
    const mount = openMounted(destination, source);
    if (mount === undefined) continue;
    opened.defer(() => closeFd(mount.fd));
    mounted.push(mount);
  }
  const resolve = (given: string) => resolveAcross(mounted, given, true);
  const resolved = resolveAcross(mounted, path, followLast || asksForDirectory(path));
  const holder = holderOf(mounted, resolved) ?? whole;
  const rest = below(holder, resolved);
  const release = opened.move();
  return {
    fd: holder.fd,
    path: holder.path,
    rest: asksForDirectory(path) && rest !== "/" ? `${rest}/` : rest,
    readonly: readonlyOf(container, resolved),
    home: snapshot.path,
    mountsBelow: findMountsBelow(mounted, resolved),
    resolve,
    release: () => release.dispose(),
  };
}

/** Mounts that lie below a path, by their paths from there. */
function findMountsBelow(mounted: readonly MountedRoot[], resolved: string): ContainerRoot["mountsBelow"] {
  const prefix = resolved === "/" ? "/" : `${resolved}/`;
  return new Map(
    mounted.flatMap(({ destination, fd, file }) =>
      destination !== "/" && destination.startsWith(prefix)
        ? [[destination.slice(prefix.length), { directoryFd: fd, file }] as const]
        : [],
    ),
  );
}

/** The root file system alone, without volumes and other mounts: what `export` writes. */
export function openSnapshotRoot(
  parts: ContainerParts,
  container: Container,
  path: string,
): Pick<ContainerRoot, "fd" | "path" | "rest" | "release"> {
  const rootfs = parts.snapshots.mount(container.id);
  const fd = openDirectory(toByteString(rootfs));
  const release = () => {
    closeFd(fd);
    // Running, or about to: then the mount is the container's.
    if (!hasProcess(container) && !parts.locks.isBusy(container.id)) parts.snapshots.unmount(container.id);
  };
  return { fd, path: rootfs, rest: path, release };
}
