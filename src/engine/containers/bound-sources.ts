import { mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { letContainersThrough, mount, MOUNT_FLAG, unmount } from "#linux";
import type { ContainerParts } from "./parts.ts";

/**
 * Places on the host where parts of volumes and images are bound while a container starts. A runtime mounts by path, in a
 * mount namespace of its own: it can neither be given a descriptor (the mount would be of another namespace) nor a path
 * inside a volume (a link there could be changed meanwhile).
 */
export type BoundSources = {
  /** Binds the file or directory at `path`, what is mounted below it left out; the place it is bound to. */
  bind(path: string): string;
  /** A small file system in memory, for files that are bound from it; its directory. */
  memory(): string;
  /** Unmounts them: the container has its own by now. Idempotent. */
  release(): void;
};

function directoryOf(parts: Pick<ContainerParts, "paths">): string {
  return join(dirname(parts.paths.bundles), "mounts");
}

/** Never recursive: whatever may still be mounted there is not ours to delete. */
function removePlace(path: string): void {
  unmount(path);
  if (statSync(path).isDirectory()) rmdirSync(path);
  else unlinkSync(path);
}

/** Makes the places of one container's start. */
export function createBoundSources(
  parts: Pick<ContainerParts, "paths" | "snapshots">,
  containerId: string,
): BoundSources {
  const directory = directoryOf(parts);
  const places: string[] = [];
  const nextPlace = () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    letContainersThrough(directory, parts.snapshots.idMapping);
    return join(directory, `${containerId}-${places.length}`);
  };
  return {
    bind: (source) => {
      const place = nextPlace();
      if (statSync(source).isDirectory()) mkdirSync(place, { mode: 0o700 });
      else writeFileSync(place, "", { mode: 0o600 });
      places.push(place);
      mount({ source, target: place, flags: MOUNT_FLAG.bind });
      return place;
    },
    memory: () => {
      const place = nextPlace();
      mkdirSync(place, { mode: 0o711 });
      places.push(place);
      mount({ source: "tmpfs", target: place, type: "tmpfs", flags: MOUNT_FLAG.noSetuid, options: "mode=711,size=1m" });
      return place;
    },
    release: () => {
      for (const place of places.splice(0)) removePlace(place);
    },
  };
}

/** Removes places that a killed daemon left. */
export function sweepBoundSources(parts: Pick<ContainerParts, "paths">): void {
  const directory = directoryOf(parts);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    // None was ever made.
    return;
  }
  for (const name of names) removePlace(join(directory, name));
}
