import { readdirSync } from "node:fs";
import { extractInto, type Snapshotter, tarOfDirectory } from "#images";
import type { VolumeRecord } from "#volumes";

/**
 * Fills an empty volume with what the image has at the mount's destination, owner and mode of the directory included
 * (moby, populateVolumes). A volume that holds anything is left alone.
 */
export async function copyUp(
  parts: { readonly snapshots: Snapshotter },
  snapshotId: string,
  volume: VolumeRecord,
  destination: string,
): Promise<void> {
  if (Object.keys(volume.options).length > 0 || readdirSync(volume.mountpoint).length > 0) return;
  const rootfs = parts.snapshots.mount(snapshotId);
  try {
    const tar = tarOfDirectory(rootfs, destination, { contentsOnly: true });
    if (tar !== undefined) await extractInto(volume.mountpoint, "/", tar, { rootAttributes: true });
  } finally {
    parts.snapshots.unmount(snapshotId);
  }
}
