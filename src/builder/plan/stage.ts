import type { ContainerConfig, Platform } from "#formats";
import { expandWord } from "../expand/word.ts";
import { checkBase, checkPlatformFlag } from "../lint/from-checks.ts";
import type { Stage } from "../parse/dockerfile.ts";
import type { Instruction } from "../parse/instruction.ts";
import type { StageBase } from "./operation.ts";
import { findImage } from "./find-image.ts";
import { layoutImage, planOrigins } from "./origin.ts";
import { fail, located, locatedTrigger } from "./places.ts";
import { formatPlatform, formatVersionedPlatform, parsePlatform, platformFits } from "./platform.ts";
import { errors } from "../errors.ts";
import type { ArgumentScope } from "./scope.ts";
import type { PlanContext, StageDraft, StepDraft } from "./stage-plan.ts";
import { planStep, type StepState } from "./step.ts";
import { stepNames } from "./names.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Plans one stage: its base, the triggers that the base sets off, its steps. */
export async function planStage(context: PlanContext, index: number, chain: readonly number[]): Promise<StageDraft> {
  const { dockerfile, options } = context;
  const stage = dockerfile.stages[index] as Stage;
  const inner = [...chain, index];
  const { base, config: baseConfig, scope, platform, workdirSet } = await planBase(context, stage, index, inner);
  const { OnBuild: triggers, ...rest } = baseConfig;
  const environment = rest.Env ?? [];
  const hasPath = environment.some((entry) => entry.startsWith("PATH="));
  const initialConfig: ContainerConfig = {
    ...rest,
    Env: hasPath ? [...environment] : [...environment, `PATH=${DEFAULT_PATH}`],
    ...(options.dialect === "buildkit" ? emptyDefaults(base, rest) : { OpenStdin: false, StdinOnce: false }),
  };
  const needs = new Set<number>(base.kind === "stage" ? [base.index] : []);
  const state: StepState = {
    config: initialConfig,
    author: undefined,
    commandSet: false,
    workdirSet,
    used: new Map(),
  };
  const triggered = (triggers ?? []).map((text) => locatedTrigger(dockerfile, stage.from, text));
  const replaced = isReplaced(context, stage);
  const all: readonly Instruction[] = replaced ? [] : [...triggered, ...stage.instructions];
  const names = stepNames(context, stage, index, { base, instructions: all, triggers: triggered.length, platform });
  const steps: StepDraft[] = [];
  for (const [place, instruction] of all.entries()) {
    const origins = await planOrigins(context, instruction, index, needs, inner);
    steps.push(
      located(dockerfile, instruction, () =>
        planStep(instruction, { context, index, scope, state, origins, vertexName: names.step(place) }),
      ),
    );
  }
  return {
    stage: {
      index,
      name: stage.from.name,
      source: stage.from.source,
      startLine: stage.from.startLine,
      endLine: stage.from.endLine,
      vertexName: names.base,
      noCache: isUncached(context, stage, index),
      isListed: isListed(context, stage, scope),
      platform,
      base,
      triggers: replaced ? 0 : triggered.length,
      steps,
      initialConfig,
      needs: [...needs],
    },
    config: state.config,
    scope,
    platform,
    workdirSet: state.workdirSet,
  };
}

/** A yes is for all stages, or for those that declare it; anything else is a list of names. */
function isListed({ options, outer }: PlanContext, { from }: Stage, scope: ArgumentScope): boolean {
  const name = "BUILDKIT_SBOM_SCAN_STAGE";
  const value = options.arguments[name] ?? scope.values().get(name) ?? outer.values().get(name) ?? "";
  if (/^(?:1|t|true)$/i.test(value)) return true;
  return from.name !== undefined && value.split(",").includes(from.name);
}

/** BuildKit's empty image works in "/". */
function emptyDefaults(base: StageBase, config: ContainerConfig): Partial<ContainerConfig> {
  return base.kind === "scratch" || base.kind === "files" ? { WorkingDir: config.WorkingDir ?? "/" } : {};
}

/** True when a named context stands for the whole stage. */
function isReplaced(context: PlanContext, stage: Stage): boolean {
  const { name } = stage.from;
  if (name === undefined || name === "scratch" || name === "context") return false;
  return context.options.findContext?.(name, context.platform) !== undefined;
}

function isUncached(context: PlanContext, stage: Stage, index: number): boolean {
  const filter = context.options.noCacheFilter ?? [];
  return filter.some((name) => name.toLowerCase() === stage.from.name || name === String(index));
}

type PlannedBase = {
  readonly base: StageBase;
  readonly config: ContainerConfig;
  readonly scope: ArgumentScope;
  readonly platform: Platform;
  readonly workdirSet: boolean;
};

async function planBase(
  context: PlanContext,
  stage: Stage,
  index: number,
  chain: readonly number[],
): Promise<PlannedBase> {
  const { dockerfile, outer, options } = context;
  const { from } = stage;
  const values = globalValues(context);
  const expandGlobal = (word: string) =>
    located(dockerfile, from, () => {
      const expansion = expandWord(word, values, { escape: dockerfile.escape });
      checkBase(from, expansion, [...outer.declaredNames(), ...values.keys()], dockerfile.linter);
      options.outline?.uses(index, expansion.matched);
      return expansion;
    });
  const name = expandGlobal(from.base).text;
  if (name === "") fail(dockerfile, from, `base name (${from.base}) should not be blank`);
  const scope = outer.child();
  const platform = stagePlatform(context, stage, expandGlobal);
  const replacement =
    isReplaced(context, stage) && from.name !== undefined
      ? options.findContext?.(from.name, platform.value)
      : undefined;
  const parent = replacement === undefined ? stageBefore(context, name, index) : undefined;
  if (parent !== undefined) {
    const draft = await context.draft(parent, chain);
    return {
      base: { kind: "stage", index: parent },
      config: draft.config,
      scope: outer.child(draft.scope),
      platform: draft.platform,
      workdirSet: draft.workdirSet,
    };
  }
  const plain = { scope, platform: platform.value, workdirSet: false } as const;
  const named = replacement ?? (name === "scratch" ? undefined : options.findContext?.(name, platform.value));
  if (named?.kind === "files") {
    const contextName = replacement === undefined ? name : (from.name ?? name);
    return { ...plain, base: { kind: "files", name: contextName }, config: {} };
  }
  const isEmpty = named?.kind === "image" ? named.reference === "scratch" : named === undefined && name === "scratch";
  if (isEmpty) return { ...plain, base: { kind: "scratch" }, config: {} };
  const wanted = platform.isExplicit ? platform.value : undefined;
  const record =
    named?.kind === "layout"
      ? await layoutImage(context, named, name, platform.value)
      : await findImage(context, from, named?.kind === "image" ? named.reference : name, wanted);
  if (options.dialect === "buildkit" && wanted !== undefined && !platformFits(wanted, record.config)) {
    const [actual, expected] = [formatVersionedPlatform(record.config), formatPlatform(wanted)];
    dockerfile.linter.report(
      "InvalidBaseImagePlatform",
      from,
      `Base image ${name} was pulled with platform "${actual}", expected "${expected}" for current build`,
    );
  }
  if (wanted !== undefined && !platformFits(wanted, record.config)) {
    throw errors["build-platform-mismatch"](name, formatPlatform(wanted), formatPlatform(record.config));
  }
  return {
    base: { kind: "image", record },
    config: record.config.config ?? {},
    scope,
    platform: record.config,
    workdirSet: false,
  };
}

function stagePlatform(
  context: PlanContext,
  stage: Stage,
  expand: (word: string) => { readonly text: string; readonly matched: ReadonlySet<string> },
): { readonly value: Platform; readonly isExplicit: boolean } {
  const { dockerfile, options } = context;
  const { from } = stage;
  if (from.platform !== undefined) {
    const written = from.platform;
    const expansion = expand(written);
    checkPlatformFlag(from, written, expandWord(written, globalValues(context)), context.platform, dockerfile.linter);
    if (expansion.text === "") fail(dockerfile, from, `empty platform value from expression ${written}`);
    const value = located(dockerfile, from, () => parsePlatform(expansion.text));
    return { value, isExplicit: true };
  }
  const explicit = options.platform === "" ? undefined : options.platform;
  return { value: context.platform, isExplicit: explicit !== undefined };
}

/** Built-in arguments and those before the first FROM. */
function globalValues(context: PlanContext): ReadonlyMap<string, string> {
  return new Map([...context.builtIn, ...context.outer.values()]);
}

/** The latest stage before `before` that FROM `name` continues; BuildKit looks names up as they are written. */
function stageBefore(context: PlanContext, name: string, before: number): number | undefined {
  const wanted = context.options.dialect === "buildkit" ? name : name.toLowerCase();
  const index = context.dockerfile.stages.slice(0, before).findLastIndex((stage) => stage.from.name === wanted);
  return index === -1 ? undefined : index;
}
