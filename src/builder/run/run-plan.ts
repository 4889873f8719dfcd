import type { BuildPlan, PlannedStage, StageState } from "../plan/operation.ts";
import type { BuildEvent } from "../contract.ts";
import type { BuildParts } from "./build-parts.ts";
import { imageState, scratchState } from "./image-state.ts";
import { orderedOutput } from "./ordered-output.ts";
import { runStage } from "./stage.ts";

/**
 * Runs a plan: each stage as soon as the stages it needs are done, so that independent ones work at once. The first
 * failure stops the others. Returns where the target ended.
 */
export async function runPlan(
  parts: BuildParts,
  plan: BuildPlan,
  emit: (event: BuildEvent) => void,
): Promise<StageState> {
  const failed = new AbortController();
  const signal = AbortSignal.any([parts.signal, failed.signal]);
  const output = orderedOutput(plan.stages.length, emit);
  const results = new Map<number, StageState>();
  const running = new Map<number, Promise<void>>();
  const usedKeys: string[] = [];
  let first: { readonly error: unknown; readonly place: number } | undefined;

  const run = async (stage: PlannedStage, place: number): Promise<void> => {
    const write = output.writer(place);
    for (const index of stage.needs) await running.get(index);
    if (first !== undefined) return;
    try {
      const start = startOf(stage, plan, results);
      const done = await runStage({ ...parts, signal }, stage, start, results, plan.totalSteps, {
        say: (stream) => write({ kind: "classic", stream }),
      });
      results.set(stage.index, done.state);
      usedKeys.push(...done.usedKeys);
      output.finish(place);
    } catch (error) {
      first ??= { error, place };
      failed.abort(error);
    }
  };
  for (const { number, source } of plan.globalSteps) {
    emit({ kind: "classic", stream: `Step ${number}/${plan.totalSteps} : ${source}\n` });
  }
  for (const [place, stage] of plan.stages.entries()) running.set(stage.index, run(stage, place));
  await Promise.all(running.values());
  parts.cache.touch(usedKeys);
  if (first !== undefined) {
    output.flushThrough(first.place);
    throw first.error;
  }
  const target = results.get(plan.target);
  if (target === undefined) throw new Error("the target's stage did not run");
  return target;
}

function startOf(stage: PlannedStage, plan: BuildPlan, results: ReadonlyMap<number, StageState>): StageState {
  const { base } = stage;
  if (base.kind === "image") return imageState(base.record);
  if (base.kind === "scratch") return scratchState(plan.platform);
  const state = results.get(base.index);
  if (state === undefined) throw new Error(`stage ${base.index} did not run before ${stage.index}`);
  return state;
}
