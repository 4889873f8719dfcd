import { readdirSync } from "node:fs";
import { extractInto, type Snapshotter, tarOfDirectory } from "#images";
import { closeFd, O, openDirectory, toByteString, tryOpenInRoot } from "#linux";
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
    if (!isDirectoryInRoot(rootfs, destination)) return;
    await extractInto(volume.mountpoint, "/", tarOfDirectory(rootfs, destination, { rebase: "" }));
  } finally {
    parts.snapshots.unmount(snapshotId);
  }
}

function isDirectoryInRoot(root: string, path: string): boolean {
  const rootFd = openDirectory(toByteString(root));
  const fd = tryOpenInRoot(rootFd, toByteString(path), O.path | O.directory);
  closeFd(rootFd);
  if (fd >= 0) closeFd(fd);
  return fd >= 0;
}
