import type { Digest } from "#base";
import type { ImageRecord } from "#images";
import type { StageState } from "../plan/operation.ts";

/**
 * A step's result taken from an image the user vouches for (`--cache-from`): its layers and history must begin with ours
 * and the next line of history must be what this step would write. Only images the user names are ever believed so.
 */
export function findInImages(
  images: readonly ImageRecord[],
  state: StageState,
  createdBy: string,
): { readonly diffId: Digest | undefined; readonly created: string } | undefined {
  const ours = state.image.history ?? [];
  for (const { config } of images) {
    const theirs = config.history ?? [];
    const next = theirs[ours.length];
    if (next?.created_by !== createdBy) continue;
    const sameHistory = ours.every(
      (entry, index) =>
        entry.created_by === theirs[index]?.created_by &&
        (entry.empty_layer ?? false) === (theirs[index]?.empty_layer ?? false),
    );
    const layers = config.rootfs.diff_ids;
    const sameLayers = state.diffIds.every((diffId, index) => diffId === layers[index]);
    const diffId = next.empty_layer === true ? undefined : layers[state.diffIds.length];
    if (!sameHistory || !sameLayers || (next.empty_layer !== true && diffId === undefined)) continue;
    return { diffId, created: next.created ?? "1970-01-01T00:00:00Z" };
  }
  return undefined;
}
