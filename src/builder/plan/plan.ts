import { EngineError, errorMessage } from "#base";
import type { ContainerConfig, Platform } from "#formats";
import type { ImageRecord } from "#images";
import { errors } from "../errors.ts";
import { expandWord } from "../expand/word.ts";
import { type Dockerfile, parseTrigger, type Stage } from "../parse/dockerfile.ts";
import { SyntaxFault } from "../parse/fault.ts";
import type { Instruction } from "../parse/instruction.ts";
import { editConfig, shellOf } from "./config-edits.ts";
import { planCopy } from "./copy-step.ts";
import { metadataHistory } from "./history.ts";
import type { BuildPlan, CopyOrigin, PlannedStage, PlannedStep, StageBase } from "./operation.ts";
import { formatPlatform, hostPlatform, parsePlatform, platformArguments, platformFits } from "./platform.ts";
import { planRun } from "./run-step.ts";
import { type ArgumentScope, expander, type GivenArguments, globalScope, unconsumedArguments } from "./scope.ts";

export type PlanOptions = {
  readonly arguments: GivenArguments;
  /** Added to the target's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** A stage's name or index. @default the last stage */
  readonly target: string | undefined;
  readonly platform: string | undefined;
  /** Finds (or fetches) the image a FROM or --from names. */
  readonly findImage: (reference: string, platform: Platform | undefined) => Promise<ImageRecord>;
};

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type Draft = {
  readonly stage: Omit<PlannedStage, "number" | "steps"> & { readonly steps: readonly Omit<PlannedStep, "number">[] };
  readonly config: ContainerConfig;
  readonly scope: ArgumentScope;
  readonly platform: Platform;
};

/**
 * Works out everything a build will do: stages from the target backwards, so that what the target does not need is not
 * even looked at; every variable expanded, every config edit applied. Nothing runs; only images are looked up.
 */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<BuildPlan> {
  const target = findTarget(dockerfile, options.target);
  const platform =
    options.platform === undefined || options.platform === "" ? hostPlatform() : parsePlatform(options.platform);
  const targetName = dockerfile.stages[target]?.from.name ?? "default";
  const builtIn = platformArguments(platform, targetName);
  const outer = globalScope(options.arguments, builtIn);
  const builtInEnvironment = [...builtIn].map(([name, value]) => `${name}=${value}`);
  for (const instruction of dockerfile.globalArguments) {
    located(dockerfile, instruction, () =>
      declareArguments(instruction.entries, outer, builtInEnvironment, dockerfile.escape),
    );
  }
  const drafts = new Map<number, Promise<Draft>>();
  const context: PlanContext = {
    dockerfile,
    options,
    outer,
    platform,
    draft: (index) => {
      let draft = drafts.get(index);
      if (draft === undefined) {
        draft = planStage(context, index);
        drafts.set(index, draft);
      }
      return draft;
    },
  };
  const last = await context.draft(target);
  const settled = new Map<number, Draft>();
  for (const [index, draft] of drafts) settled.set(index, await draft);
  const stages = numberSteps(
    dockerfile,
    [...settled].sort(([a], [b]) => a - b).map(([, draft]) => draft),
    target,
    options,
  );
  const consumed = new Set(outer.consumed);
  for (const stage of dockerfile.stages) {
    for (const instruction of stage.instructions) {
      if (instruction.kind === "arg") for (const entry of instruction.entries) consumed.add(entry.name);
    }
  }
  return {
    stages: stages.stages,
    target,
    totalSteps: stages.total,
    globalSteps: dockerfile.globalArguments.map(({ source }, index) => ({ number: index + 1, source })),
    unconsumed: unconsumedArguments(options.arguments, outer).filter((name) => !consumed.has(name)),
    platform: last.platform,
  };
}

type PlanContext = {
  readonly dockerfile: Dockerfile;
  readonly options: PlanOptions;
  readonly outer: ArgumentScope;
  readonly platform: Platform;
  readonly draft: (index: number) => Promise<Draft>;
};

function findTarget(dockerfile: Dockerfile, target: string | undefined): number {
  if (target === undefined || target === "") return dockerfile.stages.length - 1;
  const byName = dockerfile.stages.findLastIndex((stage) => stage.from.name === target.toLowerCase());
  if (byName !== -1) return byName;
  if (/^\d+$/.test(target) && Number(target) < dockerfile.stages.length) return Number(target);
  const names = dockerfile.stages.map((stage, index) => stage.from.name ?? String(index));
  throw errors["build-target-unknown"](target, names.join(", "));
}

/** The latest stage before `before` of that name. */
function stageByName(dockerfile: Dockerfile, name: string, before: number): number | undefined {
  const index = dockerfile.stages.slice(0, before).findLastIndex((stage) => stage.from.name === name.toLowerCase());
  return index === -1 ? undefined : index;
}

async function planStage(context: PlanContext, index: number): Promise<Draft> {
  const { dockerfile } = context;
  const stage = dockerfile.stages[index] as Stage;
  const { base, config: baseConfig, scope, platform } = await planBase(context, stage, index);
  const { OnBuild: triggers, ...rest } = baseConfig;
  const environment = rest.Env ?? [];
  const hasPath = environment.some((entry) => entry.startsWith("PATH="));
  const initialConfig: ContainerConfig = {
    ...rest,
    Env: hasPath ? [...environment] : [...environment, `PATH=${DEFAULT_PATH}`],
    OpenStdin: false,
    StdinOnce: false,
  };
  const needs = new Set<number>(base.kind === "stage" ? [base.index] : []);
  const state: StepState = { config: initialConfig, author: undefined, commandSet: false };
  const steps: Omit<PlannedStep, "number">[] = [];
  const triggered = (triggers ?? []).map((text) => locatedTrigger(dockerfile, stage.from, text));
  for (const instruction of [...triggered, ...stage.instructions]) {
    const origin = await planOrigin(context, instruction, index, needs);
    steps.push(located(dockerfile, instruction, () => planStep(instruction, state, scope, origin, dockerfile.escape)));
  }
  return {
    stage: {
      index,
      name: stage.from.name,
      source: stage.from.source,
      base,
      triggers: triggered.length,
      steps,
      initialConfig,
      needs: [...needs],
    },
    config: state.config,
    scope,
    platform,
  };
}

async function planBase(
  context: PlanContext,
  stage: Stage,
  index: number,
): Promise<{ base: StageBase; config: ContainerConfig; scope: ArgumentScope; platform: Platform }> {
  const { dockerfile, outer, options } = context;
  const { from } = stage;
  const expandGlobal = (word: string) =>
    located(dockerfile, from, () => expandWord(word, globalValues(context), { escape: dockerfile.escape }).text);
  const name = expandGlobal(from.base);
  if (name === "")
    throw errors["build-step-invalid"](dockerfile.file, from.startLine, `base name (${from.base}) should not be blank`);
  const parent = stageByName(dockerfile, name, index);
  if (parent !== undefined) {
    const draft = await context.draft(parent);
    return {
      base: { kind: "stage", index: parent },
      config: draft.config,
      scope: outer.child(draft.scope),
      platform: draft.platform,
    };
  }
  const scope = outer.child();
  const wanted = from.platform === undefined ? undefined : expandGlobal(from.platform);
  if (wanted === "") {
    throw errors["build-step-invalid"](
      dockerfile.file,
      from.startLine,
      `empty platform value from expression ${from.platform}`,
    );
  }
  const explicit = wanted ?? (options.platform === "" ? undefined : options.platform);
  const platform = explicit === undefined ? context.platform : located(dockerfile, from, () => parsePlatform(explicit));
  if (name === "scratch") return { base: { kind: "scratch" }, config: {}, scope, platform };
  const record = await options.findImage(name, explicit === undefined ? undefined : platform);
  checkPlatform(name, explicit === undefined ? undefined : platform, record);
  return { base: { kind: "image", record }, config: record.config.config ?? {}, scope, platform: record.config };
}

function globalValues(context: PlanContext): ReadonlyMap<string, string> {
  return new Map([...platformArguments(context.platform, ""), ...context.outer.values()]);
}

function checkPlatform(name: string, wanted: Platform | undefined, record: ImageRecord): void {
  if (wanted === undefined || platformFits(wanted, record.config)) return;
  throw errors["build-platform-mismatch"](name, formatPlatform(wanted), formatPlatform(record.config));
}

async function planOrigin(
  context: PlanContext,
  instruction: Instruction,
  current: number,
  needs: Set<number>,
): Promise<CopyOrigin> {
  if ((instruction.kind !== "copy" && instruction.kind !== "add") || instruction.from === undefined)
    return { kind: "context" };
  const { from } = instruction;
  const { dockerfile } = context;
  const byName = stageByName(dockerfile, from, current);
  const index = byName ?? (/^\d+$/.test(from) ? Number(from) : undefined);
  if (index === undefined) {
    const record = await context.options.findImage(from, undefined);
    return { kind: "image", record };
  }
  if (index >= current) {
    const reason = index === current ? "refers to current build stage" : "index out of bounds";
    throw errors["build-step-invalid"](
      dockerfile.file,
      instruction.startLine,
      `invalid from flag value ${from}: ${reason}`,
    );
  }
  await context.draft(index);
  needs.add(index);
  return { kind: "stage", index };
}

type StepState = { config: ContainerConfig; author: string | undefined; commandSet: boolean };

function planStep(
  instruction: Instruction,
  state: StepState,
  scope: ArgumentScope,
  origin: CopyOrigin,
  escape: string,
): Omit<PlannedStep, "number"> {
  const expand = expander(scope, state.config.Env ?? [], escape);
  const step = (change: Pick<PlannedStep, "createdBy"> & Partial<PlannedStep>): Omit<PlannedStep, "number"> => ({
    source: instruction.source,
    line: instruction.startLine,
    operation: undefined,
    config: state.config,
    author: state.author,
    notes: [],
    ...change,
  });
  switch (instruction.kind) {
    case "from":
      throw new SyntaxFault("FROM isn't allowed here");
    case "env":
    case "label":
    case "cmd":
    case "entrypoint":
    case "shell":
    case "user":
    case "expose":
    case "volume":
    case "healthcheck":
    case "stopsignal":
    case "onbuild":
      break;
    case "run":
      return step(planRun(instruction, state.config, scope));
    case "copy":
    case "add":
      return step(planCopy(instruction, state.config, origin, expand));
    case "arg": {
      const text = declareArguments(instruction.entries, scope, state.config.Env ?? [], escape);
      return step({ createdBy: metadataHistory(shellOf(state.config), `ARG ${text}`) });
    }
    case "maintainer":
      state.author = instruction.name;
      return step({
        author: state.author,
        createdBy: metadataHistory(shellOf(state.config), `MAINTAINER ${instruction.name}`),
      });
    case "workdir": {
      const edit = editConfig(state.config, instruction, expand, state.commandSet);
      const path = edit.config.WorkingDir ?? "/";
      const user = state.config.User ?? "";
      state.config = edit.config;
      return step({
        config: edit.config,
        createdBy: `${shellOf(edit.config).join(" ")} #(nop) ${edit.text}`,
        operation: path === "/" ? undefined : { kind: "workdir", path, user },
      });
    }
  }
  const edit = editConfig(state.config, instruction, expand, state.commandSet);
  state.config = edit.config;
  state.commandSet = edit.commandSet;
  return step({
    config: edit.config,
    createdBy: metadataHistory(shellOf(edit.config), edit.text),
    notes: edit.notes,
  });
}

function declareArguments(
  entries: readonly { readonly name: string; readonly value: string | undefined }[],
  scope: ArgumentScope,
  environment: readonly string[],
  escape: string,
): string {
  // One instruction sees the values before it.
  const { word } = expander(scope, environment, escape);
  return entries
    .map(({ name, value }) => {
      scope.declare(name, value, word);
      // The Dockerfile's default, not what was given: history would tell it to everyone.
      return value === undefined ? name : `${name}=${scope.defaultOf(name) ?? value}`;
    })
    .join(" ");
}

function numberSteps(
  dockerfile: Dockerfile,
  drafts: readonly Draft[],
  target: number,
  options: PlanOptions,
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
          number: ++number,
          source: text,
          line: 0,
          operation: undefined,
          createdBy: metadataHistory(shellOf(config), text),
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

function locatedTrigger(dockerfile: Dockerfile, from: Instruction, text: string): Instruction {
  return located(dockerfile, from, () => {
    const instruction = parseTrigger(text);
    if (instruction.kind === "from" || instruction.kind === "onbuild" || instruction.kind === "maintainer") {
      throw new SyntaxFault(`${instruction.kind.toUpperCase()} isn't allowed as an ONBUILD trigger`);
    }
    return { ...instruction, startLine: from.startLine, endLine: from.endLine };
  });
}

/** Runs `work`; what it finds wrong is reported with the instruction's file and line. */
function located<T>(dockerfile: Dockerfile, instruction: Instruction, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyntaxFault) && !(error instanceof EngineError)) throw error;
    throw errors["build-step-invalid"](dockerfile.file, instruction.startLine, errorMessage(error));
  }
}
