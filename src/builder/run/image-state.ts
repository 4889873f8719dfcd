import { type Digest, digestOf, formatRfc3339Nano, nowNanoseconds } from "#base";
import type { HistoryEntry, ImageConfig, Platform } from "#formats";
import type { ImageRecord } from "#images";
import type { PlannedStep, StageState } from "../plan/operation.ts";

/** Where `FROM scratch` begins. */
export function scratchState(platform: Platform): StageState {
  const image: ImageConfig = {
    os: platform.os,
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    rootfs: { type: "layers", diff_ids: [] },
    history: [],
  };
  return { diffIds: [], image, imageId: "" };
}

/** Where a stage on an image begins. */
export function imageState(record: ImageRecord): StageState {
  return { diffIds: record.config.rootfs.diff_ids, image: record.config, imageId: record.id };
}

/** A time for a history entry. */
export function timeOfNow(): string {
  return formatRfc3339Nano(nowNanoseconds());
}

/** The state after a step: Docker's image config with one more line of history and perhaps one more layer. */
export function stateAfter(
  before: StageState,
  step: Pick<PlannedStep, "config" | "author">,
  result: { readonly diffId: Digest | undefined; readonly created: string; readonly createdBy: string },
): StageState {
  const entry: HistoryEntry = {
    created: result.created,
    ...(step.author === undefined ? {} : { author: step.author }),
    created_by: result.createdBy,
    ...(result.diffId === undefined ? { empty_layer: true } : {}),
  };
  const diffIds = result.diffId === undefined ? before.diffIds : [...before.diffIds, result.diffId];
  const { container: _container, container_config: _containerConfig, author: _author, ...kept } = before.image;
  const author = step.author ?? before.image.author;
  const image: ImageConfig = {
    ...kept,
    ...(author === undefined ? {} : { author }),
    created: result.created,
    config: step.config,
    rootfs: { type: "layers", diff_ids: [...diffIds] },
    history: [...(before.image.history ?? []), entry],
  };
  return { diffIds, image, imageId: digestOf(configBytes(image)) };
}

/** The bytes of an image's config, of which its id is the digest. */
export function configBytes(image: ImageConfig): Uint8Array {
  return Buffer.from(JSON.stringify(image));
}
