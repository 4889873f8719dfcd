import { type Digest, digestOf, shortId } from "#base";
import type { ImageCatalog, ImageProgress, LayerStore } from "./contract.ts";

/** Something in the store that is not what it should be, and which images suffer from it. */
export type StoreDamage = {
  readonly kind: "layer" | "config" | "manifest";
  readonly id: Digest;
  readonly reason: string;
  readonly imageIds: readonly Digest[];
};

/** What a check looked at and found. */
export type StoreCheck = {
  readonly layers: number;
  readonly layerBytes: number;
  readonly images: number;
  readonly damage: readonly StoreDamage[];
};

/**
 * Reads every layer, config and manifest and compares it with its digest. Beside everything else: nothing is locked, and
 * what is removed meanwhile is no damage. Damaged layers are remembered, so that a pull or load brings them anew.
 */
export async function checkStore(
  parts: { readonly catalog: ImageCatalog; readonly layers: LayerStore },
  progress: ImageProgress,
  signal?: AbortSignal,
): Promise<StoreCheck> {
  const { catalog, layers } = parts;
  const damage: StoreDamage[] = [];
  const usersOf = (diffId: Digest) =>
    catalog.list().flatMap(({ id, config }) => (config.rootfs.diff_ids.includes(diffId) ? [id] : []));
  let layerBytes = 0;
  const diffIds = layers.list();
  for (const diffId of diffIds) {
    signal?.throwIfAborted();
    // What is being collected goes on; while it is read it stays.
    using lease = layers.lease([diffId]);
    if (!layers.isListed(diffId)) continue;
    const total = layers.tarSizeOf(diffId);
    let current = 0;
    let told = 0;
    const reason = await layers.verify(diffId, (count) => {
      current += count;
      layerBytes += count;
      if (current - told < 32 * 1024 * 1024) return;
      told = current;
      progress({ status: "Checking", id: shortId(diffId), progress: { current, total } });
    });
    lease.release();
    progress({ status: reason === undefined ? "Good" : `Damaged: ${reason}`, id: shortId(diffId) });
    if (reason !== undefined) damage.push({ kind: "layer", id: diffId, reason, imageIds: usersOf(diffId) });
  }
  const images = catalog.list();
  for (const { id } of images) {
    signal?.throwIfAborted();
    if (catalog.find(id) === undefined) continue;
    if (digestOf(catalog.configBytesOf(id)) !== id) {
      damage.push({ kind: "config", id, reason: "its bytes have another digest", imageIds: [id] });
    }
    const manifest = catalog.manifestOf(id);
    if (manifest !== undefined && digestOf(manifest.bytes) !== manifest.digest) {
      const reason = "its bytes have another digest";
      damage.push({ kind: "manifest", id: manifest.digest, reason, imageIds: [id] });
    }
  }
  return { layers: diffIds.length, layerBytes, images: images.length, damage };
}
