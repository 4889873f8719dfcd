import type { Container, ContainerDocument, StoredMount } from "./container.ts";
import type { ContainerParts } from "./parts.ts";

type Snapshots = Pick<ContainerParts, "snapshots">;

/** An image mount is a snapshot of its own, named after the container and the mount's place. */
function snapshotOf(containerId: string, index: number): string {
  return `${containerId}-image-${index}`;
}

const separator = "-image-";

/** The container a snapshot belongs to: its own id, or that of the container whose image mount it is. */
export function snapshotOwner(snapshotId: string): string {
  const at = snapshotId.indexOf(separator);
  return at < 0 ? snapshotId : snapshotId.slice(0, at);
}

function* imageMounts(document: Pick<ContainerDocument, "mounts">): Generator<readonly [number, StoredMount]> {
  for (const [index, mount] of document.mounts.entries()) if (mount.type === "image") yield [index, mount];
}

/** Snapshots of a container's image mounts. */
export function imageMountIds(container: Container): readonly string[] {
  return [...imageMounts(container.document)].map(([index]) => snapshotOf(container.id, index));
}

/** Makes the snapshots at create: from here on the image's layers stay. `undo` takes them away again. */
export async function prepareImageMounts(
  parts: Pick<ContainerParts, "snapshots" | "catalog">,
  containerId: string,
  mounts: readonly StoredMount[],
  undo: AsyncDisposableStack,
): Promise<void> {
  for (const [index, mount] of imageMounts({ mounts })) {
    const id = snapshotOf(containerId, index);
    const { diff_ids: diffIds } = parts.catalog.get(mount.name).config.rootfs;
    await parts.snapshots.prepare(id, diffIds, { discardable: true });
    undo.defer(() => parts.snapshots.remove(id));
  }
}

/** Mounts one for a start; the host path of its root. Idempotent. */
export function mountImage(parts: Snapshots, container: Container, mount: StoredMount): string {
  return parts.snapshots.mount(snapshotOf(container.id, container.document.mounts.indexOf(mount)));
}

/** Unmounts them after the container has ended. Idempotent. */
export function unmountImages(parts: Snapshots, container: Container): void {
  for (const id of imageMountIds(container)) parts.snapshots.unmount(id);
}

/** Removes them with the container. Idempotent. */
export async function removeImageMounts(parts: Snapshots, container: Container): Promise<void> {
  for (const id of imageMountIds(container)) await parts.snapshots.remove(id);
}
