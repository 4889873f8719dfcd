import { treeSize } from "#images";
import type { LocalVolumes, VolumeRecord } from "#volumes";
import type { ContainerRegistry } from "../containers/registry.ts";
import type { EventService, VolumeService } from "../contract/index.ts";
import { errors } from "../errors.ts";
import { emitPruneEvent } from "../events/prune-event.ts";
import { volumeUsers } from "./volume-users.ts";

/** The volumes of `src/volumes` with the containers' say in their removal, and events. */
export function createVolumeService(parts: {
  readonly volumes: LocalVolumes;
  readonly registry: ContainerRegistry;
  readonly events: EventService;
}): VolumeService {
  const { volumes, registry, events } = parts;
  const report = (action: string, volume: VolumeRecord) =>
    events.emit({ type: "volume", action, actor: { id: volume.name, attributes: { driver: volume.driver } } });
  const remove = (volume: VolumeRecord) => {
    volumes.remove(volume.name);
    report("destroy", volume);
  };
  return {
    create: async (request) => {
      const { volume, created } = volumes.create(request);
      if (created) report("create", volume);
      return volume;
    },
    list: () =>
      volumes
        .list()
        .map((volume) => ({ ...volume, usedBy: volumeUsers(registry, volume.name).map((user) => user.id) })),
    get: (name) => volumes.get(name),
    sizeOf: async (name) => {
      try {
        return await treeSize(volumes.get(name).mountpoint);
      } catch {
        // Removed meanwhile, or on a server that does not answer: nobody knows.
        return -1;
      }
    },
    remove: async (name, { force }) => {
      if (force && volumes.find(name) === undefined) return;
      const volume = volumes.get(name);
      const users = volumeUsers(registry, name);
      if (users.length > 0)
        throw errors.volumeInUse(
          name,
          users.map((user) => user.id),
        );
      remove(volume);
    },
    prune: async (keep, { all }) => {
      const deleted: string[] = [];
      let reclaimedBytes = 0;
      for (const volume of volumes.list()) {
        if (
          (!all && !volume.anonymous) ||
          keep(volume) ||
          volumes.isHeld(volume.name) ||
          volumeUsers(registry, volume.name).length > 0
        )
          continue;
        reclaimedBytes += await treeSize(volume.mountpoint);
        remove(volume);
        deleted.push(volume.name);
      }
      emitPruneEvent(events, "volume", reclaimedBytes);
      return { deleted, reclaimedBytes };
    },
  };
}
