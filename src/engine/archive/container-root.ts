import { join } from "node:path";
import { closeFd, openDirectory, toByteString } from "#linux";
import { type Container, hasProcess } from "../containers/container.ts";
import type { ContainerParts } from "../containers/parts.ts";

/** A container's files as its processes see them; `release` ends the use. */
export type ContainerRoot = {
  /** Descriptor of the root directory; every path is resolved below it (RESOLVE_IN_ROOT). */
  readonly fd: number;
  /** A path by which functions that open the root themselves reach it. */
  readonly path: string;
  /** What of the given path is left to be resolved below this root. */
  readonly rest: string;
  /** Set when the path lies on a mount that may not be written to. */
  readonly readonly: boolean;
  release(): void;
};

/**
 * Opens the file system that `path` lies in. A running container shows its mounts through /proc/PID/root; for a stopped
 * one the volume or bind that holds the path by name is opened directly, else the mounted snapshot.
 */
export function openContainerRoot(parts: ContainerParts, container: Container, path: string): ContainerRoot {
  const { document } = container;
  const absolute = join("/", path);
  const mount = document.mounts
    .filter(
      ({ destination, type }) =>
        type !== "tmpfs" && type !== "image" && (absolute === destination || absolute.startsWith(`${destination}/`)),
    )
    .toSorted((one, other) => other.destination.length - one.destination.length)[0];
  const readonly = mount === undefined ? document.hostConfig.ReadonlyRootfs === true : !mount.writable;
  if (hasProcess(container)) {
    const root = `/proc/${container.life.pid}/root`;
    const fd = openDirectory(root);
    return { fd, path: root, rest: path, readonly, release: () => closeFd(fd) };
  }
  if (mount !== undefined) {
    const fd = openDirectory(toByteString(mount.source));
    const rest = path.endsWith("/") || path.endsWith("/.") ? `${absolute}/` : absolute;
    return {
      fd,
      path: mount.source,
      rest: rest.slice(mount.destination.length) || "/",
      readonly,
      release: () => closeFd(fd),
    };
  }
  return { ...openSnapshotRoot(parts, container, path), readonly };
}

/** The root file system alone, without volumes and other mounts: what `export` writes. */
export function openSnapshotRoot(parts: ContainerParts, container: Container, path: string): ContainerRoot {
  const rootfs = parts.snapshots.mount(container.id);
  const fd = openDirectory(toByteString(rootfs));
  const release = () => {
    closeFd(fd);
    // Running, or about to: then the mount is the container's.
    if (!hasProcess(container) && !parts.locks.isBusy(container.id)) parts.snapshots.unmount(container.id);
  };
  return { fd, path: rootfs, rest: path, readonly: false, release };
}
