import type { BuildPlan, CopyOperation, PlannedStage, StageState } from "../plan/operation.ts";
import type { BuildEvent } from "../contract.ts";
import type { BuildParts } from "./build-parts.ts";
import { prepareCopy } from "./copy-step.ts";
import { imageState, scratchState, timeOfNow } from "./image-state.ts";
import { orderedOutput } from "./ordered-output.ts";
import { formatPlatform } from "../plan/platform.ts";
import { runStage } from "./stage.ts";
import type { Vertices } from "./vertices.ts";

/**
 * Runs a plan: each stage as soon as the stages it needs are done, so that independent ones work at once. The first
 * failure stops the others. Returns where the target ended, and where every stage did.
 */
export async function runPlan(
  parts: BuildParts,
  plan: BuildPlan,
  vertices: Vertices,
  emit: (event: BuildEvent) => void,
): Promise<{ readonly target: StageState; readonly stages: ReadonlyMap<number, StageState> }> {
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
      const { platform } = stage;
      const runEnvironment = { ...parts.runEnvironment, platform: formatPlatform(platform) };
      const cancellable: BuildParts = { ...parts, signal, platform, runEnvironment };
      const start = await startOf(cancellable, stage, results);
      const done = await runStage(cancellable, stage, start, results, plan.totalSteps, vertices, {
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
  parts.reasons.flush();
  if (first !== undefined) {
    output.flushThrough(first.place);
    throw first.error;
  }
  const target = results.get(plan.target);
  if (target === undefined) throw new Error("the target's stage did not run");
  return { target, stages: results };
}

async function startOf(
  parts: BuildParts,
  stage: PlannedStage,
  results: ReadonlyMap<number, StageState>,
): Promise<StageState> {
  const { base } = stage;
  switch (base.kind) {
    case "image":
      return imageState(base.record);
    case "scratch":
      return scratchState(stage.platform);
    case "files":
      return filesState(parts, base.name, stage.platform);
    case "stage":
      break;
  }
  const state = results.get(base.index);
  if (state === undefined) throw new Error(`stage ${base.index} did not run before ${stage.index}`);
  return state;
}

/** Where a stage on a context of files begins: one layer of them all. */
async function filesState(parts: BuildParts, name: string, platform: BuildPlan["platform"]): Promise<StageState> {
  const start = scratchState(platform);
  const operation = wholeContext(name);
  const copy = await prepareCopy(parts, operation, [], new Map(), () => {});
  try {
    const known = parts.cache.find(copy.key);
    const diffId = known === undefined ? await copy.execute() : known.diffId;
    if (known === undefined) {
      parts.cache.save(copy.key, { diffId, created: timeOfNow(), description: `context ${name}` });
    }
    if (diffId === undefined) return start;
    parts.lease.add(diffId);
    const image = { ...start.image, rootfs: { type: "layers" as const, diff_ids: [diffId] } };
    return { diffIds: [diffId], image, imageId: "" };
  } finally {
    copy.close();
  }
}

function wholeContext(name: string): CopyOperation {
  return {
    kind: "copy",
    instruction: "COPY",
    origin: { kind: "named", name },
    sources: ["/"],
    files: [],
    destination: "/",
    owner: undefined,
    mode: undefined,
    excludes: [],
    unpack: undefined,
    checksum: undefined,
    keepGitDirectory: undefined,
    link: false,
    parents: false,
    epoch: undefined,
  };
}
