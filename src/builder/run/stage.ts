import { shortId } from "#base";
import { configKey, runKey, workdirKey } from "../cache/keys.ts";
import type { CachedStep } from "../cache/build-cache.ts";
import type { PlannedStage, PlannedStep, StageState } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { findInImages } from "./cache-from.ts";
import { prepareCopy } from "./copy-step.ts";
import { stateAfter, timeOfNow } from "./image-state.ts";
import { runStep } from "./run-step.ts";
import { workdirStep } from "./workdir-step.ts";

/** A stage's progress for the user. */
export type StageOutput = { readonly say: (text: string) => void };

/** What the stages before have come to, by index. */
export type StageResults = ReadonlyMap<number, StageState>;

/** Runs the steps of one stage one after the other; each result is remembered. Returns where the stage ended. */
export async function runStage(
  parts: BuildParts,
  stage: PlannedStage,
  start: StageState,
  others: StageResults,
  totalSteps: number,
  output: StageOutput,
): Promise<{ readonly state: StageState; readonly usedKeys: readonly string[] }> {
  const { say } = output;
  const usedKeys: string[] = [];
  let state: StageState = { ...start, image: { ...start.image, config: stage.initialConfig } };
  say(`Step ${stage.number}/${totalSteps} : ${stage.source}\n`);
  if (stage.triggers > 0) say(`# Executing ${stage.triggers} build trigger${stage.triggers > 1 ? "s" : ""}\n`);
  else say(` ---> ${shortId(state.imageId)}\n`);
  for (const [index, step] of stage.steps.entries()) {
    parts.signal.throwIfAborted();
    if (step.number !== undefined) say(`Step ${step.number}/${totalSteps} : ${step.source}\n`);
    for (const note of step.notes) say(`${note}\n`);
    const before = state;
    const result = await parts.slots.run(() => takeStep(parts, step, before, others, say));
    state = stateAfter(before, step, result);
    if (result.isHit) usedKeys.push(result.key);
    if (step.number !== undefined || index === stage.triggers - 1) say(` ---> ${shortId(state.imageId)}\n`);
  }
  return { state, usedKeys };
}

type StepResult = CachedStep & { readonly createdBy: string; readonly key: string; readonly isHit: boolean };

async function takeStep(
  parts: BuildParts,
  step: PlannedStep,
  state: StageState,
  others: StageResults,
  say: (text: string) => void,
): Promise<StepResult> {
  const { operation } = step;
  const fixed = typeof step.createdBy === "string" ? step.createdBy : "";
  if (operation === undefined) {
    const key = configKey(state.imageId, fixed, step.config);
    return remember(parts, state, step, key, fixed, say, async () => undefined);
  }
  if (operation.kind === "run") {
    const key = runKey(operation, state.diffIds, parts.runEnvironment);
    return remember(parts, state, step, key, fixed, say, () => runStep(parts, operation, state.diffIds, say));
  }
  if (operation.kind === "workdir") {
    const key = workdirKey(operation, state.diffIds);
    return remember(parts, state, step, key, fixed, say, () => workdirStep(parts, operation, state.diffIds));
  }
  const { origin } = operation;
  const layers =
    origin.kind === "context"
      ? undefined
      : origin.kind === "image"
        ? origin.record.config.rootfs.diff_ids
        : (others.get(origin.index)?.diffIds ?? []);
  const copy = await prepareCopy(parts, operation, state.diffIds, layers, say);
  try {
    const createdBy = typeof step.createdBy === "string" ? step.createdBy : step.createdBy(copy.content);
    return await remember(parts, state, step, copy.key, createdBy, say, () => copy.execute());
  } finally {
    copy.close();
  }
}

/** Takes a step's result from the cache, or makes it and keeps it. */
async function remember(
  parts: BuildParts,
  state: StageState,
  step: PlannedStep,
  key: string,
  createdBy: string,
  say: (text: string) => void,
  make: () => Promise<StageState["diffIds"][number] | undefined>,
): Promise<StepResult> {
  if (!parts.request.noCache) {
    const known = parts.cache.find(key);
    const hit = known ?? findInImages(parts.cacheImages, state, createdBy);
    if (hit !== undefined && (hit.diffId === undefined || parts.layers.has(hit.diffId))) {
      if (hit.diffId !== undefined) parts.lease.add(hit.diffId);
      say(" ---> Using cache\n");
      return { diffId: hit.diffId, created: hit.created, createdBy, key, isHit: known !== undefined };
    }
  }
  const diffId = await make();
  const created = timeOfNow();
  parts.cache.save(key, { diffId, created, description: step.source });
  return { diffId, created, createdBy, key, isHit: false };
}
