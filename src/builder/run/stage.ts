import { type Digest, isDigest, shortId } from "#base";
import type { PlannedStage, PlannedStep, StageState } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { classicOutput, type StageOutput } from "./classic-output.ts";
import { withFailure } from "./failure.ts";
import { stateAfter } from "./image-state.ts";
import type { StageResults } from "./layers-of.ts";
import { takeStep } from "./take-step.ts";
import { rangeOf, type Vertices } from "./vertices.ts";

/** Runs the steps of one stage one after the other; each result is remembered. Returns where the stage ended. */
export async function runStage(
  parts: BuildParts,
  stage: PlannedStage,
  start: StageState,
  others: StageResults,
  totalSteps: number,
  vertices: Vertices,
  output: StageOutput,
): Promise<{ readonly state: StageState; readonly usedKeys: readonly string[] }> {
  const { say } = output;
  const usedKeys: string[] = [];
  let parent: Digest | undefined;
  let state: StageState = { ...start, image: { ...start.image, config: stage.initialConfig } };
  const base = vertices.base(stage);
  if (base !== undefined) parts.reporter.complete(base, { cached: true });
  say(`Step ${stage.number}/${totalSteps} : ${stage.source}\n`);
  if (stage.triggers > 0) say(`# Executing ${stage.triggers} build trigger${stage.triggers > 1 ? "s" : ""}\n`);
  else say(` ---> ${shortId(state.imageId)}\n`);
  for (const [index, step] of stage.steps.entries()) {
    parts.signal.throwIfAborted();
    if (step.number !== undefined) say(`Step ${step.number}/${totalSteps} : ${step.source}\n`);
    for (const note of step.notes) say(`${note}\n`);
    const before = state;
    const vertex = vertices.step(stage, index);
    const result = await inPlace(parts, step, vertex, () =>
      takeStep(parts, { stage, step, state: before, others, vertex, output: classicOutput(parts, say) }),
    );
    state = stateAfter(before, step, {
      ...result,
      comment: parts.dialect === "buildkit" ? "buildkit.dockerfile.v0" : undefined,
    });
    if (result.isHit) usedKeys.push(result.key);
    if (step.operation !== undefined && isDigest(result.key)) {
      const { key, diffId, created } = result;
      parts.record(stage.index, { key, diffId, created, parent });
      parent = key;
    }
    if (step.number !== undefined || index === stage.triggers - 1) say(` ---> ${shortId(state.imageId)}\n`);
  }
  return { state, usedKeys };
}

/** Completes the step's vertex, and notes on what goes wrong where it happened. */
async function inPlace<T>(
  parts: BuildParts,
  step: PlannedStep,
  vertex: Digest | undefined,
  work: () => Promise<T & { readonly isCached: boolean }>,
): Promise<T & { readonly isCached: boolean }> {
  try {
    const result = await work();
    if (vertex !== undefined) parts.reporter.complete(vertex, { cached: result.isCached });
    return result;
  } catch (error) {
    const isCancelled = parts.signal.aborted;
    const message = isCancelled ? "context canceled" : error instanceof Error ? error.message : String(error);
    if (vertex !== undefined) parts.reporter.complete(vertex, { error: message });
    if (vertex === undefined || isCancelled) throw error;
    const source = rangeOf(parts.file, step);
    const command = step.operation?.kind === "run" ? step.operation.command : undefined;
    throw withFailure(error, { vertex, source, text: parts.text, command });
  }
}
