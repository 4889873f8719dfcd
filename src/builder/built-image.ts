import { digestOf } from "#base";
import type { ImageConfig } from "#formats";
import type { ImageRecord } from "#images";
import type { BuilderParts } from "./builder.ts";
import type { CacheRecord } from "./cache/transfer/cache-config.ts";
import { withInlineCache } from "./cache/transfer/export-cache.ts";
import type { BuildRequest, BuiltImage } from "./contract.ts";
import { errors } from "./errors.ts";
import type { BuildPlan, PlannedStage, StageState } from "./plan/operation.ts";
import { configBytes } from "./run/image-state.ts";
import type { Tag } from "./tag.ts";

/** The image that a plan has come to. An inline cache becomes part of its config. */
export function imageOf(
  plan: BuildPlan,
  state: StageState,
  request: BuildRequest,
  lineage: readonly CacheRecord[],
): BuiltImage {
  const isBuildkit = request.dialect === "buildkit";
  const { os, architecture, variant, "os.version": version } = plan.platform;
  const hasInline = request.cacheExports?.some(({ type }) => type === "inline") === true;
  const plain: ImageConfig = isBuildkit
    ? {
        ...state.image,
        os,
        architecture,
        ...(variant === undefined ? {} : { variant }),
        ...(version === undefined ? {} : { "os.version": version }),
      }
    : state.image;
  const config = hasInline ? withInlineCache(plain, lineage) : plain;
  const bytes = configBytes(config);
  const base = baseImageOf(plan, plan.target);
  const isUnchanged = base?.id === state.imageId && !isBuildkit;
  return {
    platform: plan.platform,
    config,
    configBytes: bytes,
    imageId: isUnchanged ? base.id : digestOf(bytes),
    diffIds: state.diffIds,
    base,
  };
}

/** The image that a stage's lineage begins with. */
function baseImageOf(plan: BuildPlan, index: number): ImageRecord | undefined {
  const stage: PlannedStage | undefined = plan.stages.find((candidate) => candidate.index === index);
  if (stage === undefined || stage.base.kind === "scratch" || stage.base.kind === "files") return undefined;
  return stage.base.kind === "image" ? stage.base.record : baseImageOf(plan, stage.base.index);
}

/** Indexes of the stages that the target is made of, the target first. */
export function lineageOf(plan: BuildPlan): number[] {
  const lineage: number[] = [];
  for (let index: number | undefined = plan.target; index !== undefined;) {
    lineage.push(index);
    const stage: PlannedStage | undefined = plan.stages.find((candidate) => candidate.index === index);
    index = stage?.base.kind === "stage" ? stage.base.index : undefined;
  }
  return lineage;
}

/** Enters the result into the catalogue, all at once, and tags it. */
export function keepImage(parts: BuilderParts, image: BuiltImage, tags: readonly Tag[], request: BuildRequest): void {
  const { catalog } = parts.images;
  const isEmpty = image.diffIds.length === 0 && (image.config.history ?? []).length === 0;
  if (isEmpty && request.dialect !== "buildkit") throw errors["build-no-stage"]();
  const names = tags.map((tag) => tag.canonical);
  if (image.base?.id === image.imageId) for (const name of names) catalog.tag(image.imageId, name);
  else {
    catalog.add({ config: image.config, configBytes: image.configBytes, parentId: image.base?.id, tags: names });
  }
  for (const { familiar } of tags) {
    const attributes = { ...image.config.config?.Labels, name: familiar };
    parts.events.emit({ type: "image", action: "tag", actor: { id: image.imageId, attributes } });
  }
}
