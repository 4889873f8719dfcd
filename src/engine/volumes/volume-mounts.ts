import { type LocalVolumes, mountOptions, mountVolume, unmountVolume, type VolumeRecord } from "#volumes";
import { type Container, hasProcess } from "../containers/container.ts";
import type { ContainerRegistry } from "../containers/registry.ts";
import { volumeUsers } from "./volume-users.ts";

/** Volumes of a container that are themselves mounts. */
function mountableVolumes({ find }: Pick<LocalVolumes, "find">, container: Container): readonly VolumeRecord[] {
  return container.document.mounts.flatMap(({ type, name }) => {
    const volume = type === "volume" ? find(name) : undefined;
    return volume === undefined || mountOptions(volume.options) === undefined ? [] : [volume];
  });
}

/**
 * Mounts the volumes of a container whose driver options make them mounts; undefined when there are none. The result is
 * called once the container counts as running (or its start has failed): until then nobody else's end unmounts them.
 */
export function mountVolumesOf(volumes: LocalVolumes, container: Container): Promise<() => void> | undefined {
  const wanted = mountableVolumes(volumes, container);
  return wanted.length === 0 ? undefined : mountAll(volumes, wanted);
}

async function mountAll(volumes: LocalVolumes, wanted: readonly VolumeRecord[]): Promise<() => void> {
  const releases = wanted.map(({ name }) => volumes.hold(name));
  const release = () => {
    for (const one of releases) one();
  };
  try {
    for (const volume of wanted) await mountVolume(volume);
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

/** Unmounts a volume unless a running container, or one that is being made or started, uses it. */
export function unmountIfIdle(
  parts: { readonly volumes: LocalVolumes; readonly registry: Pick<ContainerRegistry, "all"> },
  volume: VolumeRecord,
  except?: Container,
): void {
  if (mountOptions(volume.options) === undefined || parts.volumes.isHeld(volume.name)) return;
  const users = volumeUsers(parts.registry, volume.name);
  if (!users.some((user) => user !== except && hasProcess(user))) unmountVolume(volume);
}

/** Unmounts those that no other running container uses; idempotent. Call after it ended. */
export function unmountVolumesOf(
  parts: { readonly volumes: LocalVolumes; readonly registry: Pick<ContainerRegistry, "all"> },
  container: Container,
): void {
  for (const volume of mountableVolumes(parts.volumes, container)) unmountIfIdle(parts, volume, container);
}
