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
  result: {
    readonly diffId: Digest | undefined;
    readonly created: string;
    /** Undefined when history does not tell of the step. */
    readonly createdBy: string | undefined;
    readonly comment: string | undefined;
  },
): StageState {
  const entry: HistoryEntry = {
    created: result.created,
    ...(step.author === undefined || result.comment !== undefined ? {} : { author: step.author }),
    created_by: result.createdBy ?? "",
    ...(result.comment === undefined ? {} : { comment: result.comment }),
    ...(result.diffId === undefined ? { empty_layer: true } : {}),
  };
  const diffIds = result.diffId === undefined ? before.diffIds : [...before.diffIds, result.diffId];
  const { container: _container, container_config: _containerConfig, author: _author, ...kept } = before.image;
  const author = step.author ?? before.image.author;
  const history = before.image.history ?? [];
  const image: ImageConfig = {
    ...kept,
    ...(author === undefined ? {} : { author }),
    created: result.created,
    config: step.config,
    rootfs: { type: "layers", diff_ids: [...diffIds] },
    history: result.createdBy === undefined ? [...history] : [...history, entry],
  };
  return { diffIds, image, imageId: digestOf(configBytes(image)) };
}

/** A time of SOURCE_DATE_EPOCH as configs have it. */
export function timeOfEpoch(seconds: number): string {
  return formatRfc3339Nano(BigInt(seconds) * 1_000_000_000n);
}

/** The bytes of an image's config, of which its id is the digest. */
export function configBytes(image: ImageConfig): Uint8Array {
  return Buffer.from(JSON.stringify(image));
}
