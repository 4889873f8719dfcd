import { errors } from "../errors.ts";
import { checkDefaultBases } from "../lint/from-checks.ts";
import { expandWord } from "../expand/word.ts";
import type { Dockerfile } from "../parse/dockerfile.ts";
import { suggest } from "../parse/fault.ts";
import { shellOf } from "./config-edits.ts";
import { buildkitHistory, classicHistory } from "./history.ts";
import type { BuildPlan, PlannedStage } from "./operation.ts";
import { located } from "./places.ts";
import { hostPlatform, parsePlatform, platformArguments } from "./platform.ts";
import { expander, globalScope, unconsumedArguments } from "./scope.ts";
import { planStage } from "./stage.ts";
import type { PlanContext, PlanOptions, StageDraft } from "./stage-plan.ts";
import { argumentOf, declareArguments } from "./step.ts";

/**
 * Works out everything a build will do: stages from the target backwards, so that what the target does not need is not
 * even looked at; every variable expanded, every config edit applied. Nothing runs; only images are looked up.
 */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<BuildPlan> {
  const target = findTarget(dockerfile, options);
  const platform =
    options.platform === undefined || options.platform === "" ? hostPlatform() : parsePlatform(options.platform);
  const targetName = dockerfile.stages[target]?.from.name ?? "default";
  const builtIn = withGiven(platformArguments(platform, targetName), options);
  checkDefaultBases(dockerfile, platformArguments(platform, targetName));
  const outer = globalScope(options.arguments, builtIn, options.dialect);
  const builtInEnvironment = [...builtIn].map(([name, value]) => `${name}=${value}`);
  for (const instruction of dockerfile.globalArguments) {
    located(dockerfile, instruction, () => {
      const expand = expander(outer, builtInEnvironment, dockerfile.escape);
      declareArguments(instruction.entries, outer, expand, false);
      for (const { name, value } of instruction.entries) {
        const isGiven = typeof options.arguments[name] === "string";
        const uses = isGiven || value === undefined ? [] : expandWord(value, expand.variables).matched;
        options.outline?.globalArgument(argumentOf(instruction, name, outer.values().get(name)), uses);
      }
    });
  }
  const drafts = new Map<number, Promise<StageDraft>>();
  const context: PlanContext = {
    dockerfile,
    options,
    history: options.dialect === "buildkit" ? buildkitHistory : classicHistory,
    outer,
    builtIn,
    platform,
    epoch: sourceDateEpoch(options.arguments["SOURCE_DATE_EPOCH"] ?? outer.values().get("SOURCE_DATE_EPOCH")),
    contextPaths: new Set(),
    draft: (index, chain) => {
      let draft = drafts.get(index);
      if (draft === undefined) {
        draft = planStage(context, index, chain);
        drafts.set(index, draft);
      }
      return draft;
    },
  };
  const last = await context.draft(target, []);
  if (options.allStages === true) for (const index of dockerfile.stages.keys()) await context.draft(index, []);
  const settled = new Map<number, StageDraft>();
  for (const [index, draft] of drafts) settled.set(index, await draft);
  const inOrder = [...settled].sort(([a], [b]) => a - b).map(([, draft]) => draft);
  const { stages, total } = numberSteps(context, inOrder, target);
  const consumed = new Set(outer.consumed);
  for (const stage of dockerfile.stages) {
    for (const instruction of stage.instructions) {
      if (instruction.kind === "arg") for (const entry of instruction.entries) consumed.add(entry.name);
    }
  }
  const violation = dockerfile.linter.violation();
  if (violation !== undefined) throw errors["build-checks-failed"](violation);
  return {
    stages,
    target,
    totalSteps: total,
    globalSteps: dockerfile.globalArguments.map(({ source }, index) => ({ number: index + 1, source })),
    unconsumed: unconsumedArguments(options.arguments, outer).filter((name) => !consumed.has(name)),
    platform: last.platform,
    epoch: context.epoch,
    contextPaths: usedPaths(context.contextPaths),
  };
}

/** Built-in arguments, of which `--build-arg` may say otherwise. */
function withGiven(builtIn: ReadonlyMap<string, string>, options: PlanOptions): ReadonlyMap<string, string> {
  return new Map([...builtIn].map(([name, value]) => [name, options.arguments[name] ?? value]));
}

/** SOURCE_DATE_EPOCH as seconds; an empty one is none. */
function sourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,12}$/.test(text)) {
    throw errors["build-option-invalid"](
      "SOURCE_DATE_EPOCH",
      `${JSON.stringify(text)} is not a number of seconds since 1970`,
    );
  }
  return Number(text);
}

function usedPaths(paths: ReadonlySet<string>): readonly string[] | undefined {
  const isAll = [...paths].some((path) => /^(?:\.?\/*)*$/.test(path));
  return isAll ? undefined : [...paths];
}

function findTarget(dockerfile: Dockerfile, { target, dialect }: PlanOptions): number {
  if (target === undefined || target === "") return dockerfile.stages.length - 1;
  const byName = dockerfile.stages.findLastIndex((stage) => stage.from.name === target.toLowerCase());
  if (byName !== -1) return byName;
  if (dialect !== "buildkit" && /^\d+$/.test(target) && Number(target) < dockerfile.stages.length) {
    return Number(target);
  }
  const names = dockerfile.stages.map((stage, index) => stage.from.name ?? String(index));
  if (dialect !== "buildkit") throw errors["build-target-unknown"](target, names.join(", "));
  const near = suggest(target, names);
  throw errors["build-target-not-found"](target, near === undefined ? "" : ` (did you mean ${near}?)`);
}

function numberSteps(
  { dockerfile, options, history }: PlanContext,
  drafts: readonly StageDraft[],
  target: number,
): { readonly stages: readonly PlannedStage[]; readonly total: number } {
  let number = dockerfile.globalArguments.length;
  const stages = drafts.map((draft) => {
    const stageNumber = ++number;
    const steps = draft.stage.steps.map((step, index) => ({
      ...step,
      number: index < draft.stage.triggers ? undefined : ++number,
    }));
    if (draft.stage.index === target) {
      let config = draft.config;
      for (const [name, value] of Object.entries(options.labels).sort(([a], [b]) => (a < b ? -1 : 1))) {
        config = { ...config, Labels: { ...config.Labels, [name]: value } };
        const text = `LABEL ${name}=${value}`;
        steps.push({
          number: options.dialect === "buildkit" ? undefined : ++number,
          source: text,
          startLine: 0,
          endLine: 0,
          vertexName: undefined,
          operation: undefined,
          createdBy: options.dialect === "buildkit" ? undefined : history.metadata(shellOf(config), text),
          config,
          author: steps.at(-1)?.author,
          notes: [],
        });
      }
    }
    return { ...draft.stage, number: stageNumber, steps };
  });
  return { stages, total: number };
}
