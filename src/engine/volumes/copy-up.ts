import { readdirSync } from "node:fs";
import { extractInto, makeTreeDurable, type Snapshotter, tarOfDirectory } from "#images";
import { mountVolume, type VolumeRecord } from "#volumes";

/**
 * Fills an empty volume with what the image has at the mount's destination, owner and mode of the directory included
 * (moby, populateVolumes). A volume that holds anything is left alone; one that is itself a mount is mounted to look.
 * The caller holds the volume, and unmounts it when it is idle.
 */
export async function copyUp(
  parts: { readonly snapshots: Snapshotter },
  snapshotId: string,
  volume: VolumeRecord,
  destination: string,
): Promise<void> {
  await mountVolume(volume);
  if (readdirSync(volume.mountpoint).length > 0) return;
  const rootfs = parts.snapshots.mount(snapshotId);
  try {
    const tar = tarOfDirectory(rootfs, destination, { contentsOnly: true });
    if (tar === undefined) return;
    await extractInto(volume.mountpoint, "/", tar, { rootAttributes: true });
    // A volume that holds anything is never filled again: after a power cut it must not hold empty files.
    await makeTreeDurable(volume.mountpoint);
  } finally {
    parts.snapshots.unmount(snapshotId);
  }
}
