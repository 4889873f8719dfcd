import type { Container } from "../containers/container.ts";
import type { Change } from "../contract/index.ts";

/** What a runtime makes in a root file system only to mount on it (the mounts of every container). */
const always = [
  "/dev",
  "/dev/console",
  "/dev/mqueue",
  "/dev/pts",
  "/dev/shm",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/proc",
  "/sys",
  "/sys/fs/cgroup",
  "/sbin/docker-init",
];

/** Paths that exist in a container's writable layer only because something is mounted there. */
export function mountPointsOf(container: Container): readonly string[] {
  const { mounts, hostConfig } = container.document;
  return [...always, ...mounts.map((mount) => mount.destination), ...Object.keys(hostConfig.Tmpfs ?? {})];
}

/** True when `path` is `ancestor` or below it. */
function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}/`);
}

/**
 * `docker diff` without the mount points, and without the directories that changed for their sake alone. A directory
 * above a mount point stays in the list when anything else below it changed.
 */
export function withoutMountPoints(changes: readonly Change[], mountPoints: readonly string[]): readonly Change[] {
  const points = new Set(mountPoints);
  const isPoint = (change: Change) => change.kind === "added" && points.has(change.path);
  const real = changes.filter((change) => !isPoint(change) && !isAbove(change.path, mountPoints));
  return changes.filter(
    (change) =>
      !isPoint(change) &&
      (!isAbove(change.path, mountPoints) || real.some((other) => isWithin(other.path, change.path))),
  );
}

function isAbove(path: string, mountPoints: readonly string[]): boolean {
  return mountPoints.some((point) => point !== path && isWithin(point, path));
}
