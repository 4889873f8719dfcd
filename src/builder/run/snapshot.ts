import { type Digest, newId } from "#base";
import type { BuildParts } from "./build-parts.ts";
import { isUnchanged } from "./mount-points.ts";

/** Names of snapshots that builds make; whatever has it after a start is a left-over. */
export const snapshotPrefix = "build-";

/** Runs `work` on a mounted root file system over layers that nobody keeps. */
export async function withRootfs<T>(
  parts: Pick<BuildParts, "snapshots">,
  diffIds: readonly Digest[],
  work: (rootfs: string) => Promise<T>,
): Promise<T> {
  const id = snapshotPrefix + newId();
  try {
    await parts.snapshots.prepare(id, diffIds, { discardable: true });
    return await work(parts.snapshots.mount(id));
  } finally {
    parts.snapshots.unmount(id);
    await parts.snapshots.remove(id);
  }
}

/**
 * Runs `work` on a mounted root file system and makes a layer of what it changed; undefined when that is nothing.
 * `tidy` gets the changes, unmounted, before they become the layer.
 */
export async function makeLayer(
  parts: Pick<BuildParts, "snapshots" | "layers" | "lease">,
  diffIds: readonly Digest[],
  work: (rootfs: string, snapshotId: string) => Promise<void>,
  tidy: (changes: string) => void = () => {},
): Promise<Digest | undefined> {
  const id = snapshotPrefix + newId();
  try {
    await parts.snapshots.prepare(id, diffIds, { discardable: true });
    await work(parts.snapshots.mount(id), id);
    parts.snapshots.unmount(id);
    const changes = await parts.snapshots.changesDirectory(id);
    tidy(changes);
    if (isUnchanged(changes)) return undefined;
    const { diffId } = await parts.layers.adopt(changes);
    parts.lease.add(diffId);
    return diffId;
  } finally {
    parts.snapshots.unmount(id);
    await parts.snapshots.remove(id);
  }
}
