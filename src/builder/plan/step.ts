import type { ContainerConfig } from "#formats";
import { descriptionOf, type OutlineArgument } from "../calls/outline.ts";
import { isGitSource } from "../copy/git-reference.ts";
import {
  checkIgnored,
  checkOnlyOne,
  checkPorts,
  checkStep,
  checkVariables,
  checkWorkdir,
} from "../lint/step-checks.ts";
import { SyntaxFault } from "../parse/fault.ts";
import type { Instruction, InstructionOf } from "../parse/instruction.ts";
import { editConfig, shellOf } from "./config-edits.ts";
import { isUrl, planCopy } from "./copy-step.ts";
import { planMounts } from "./mounts.ts";
import type { FilesOrigin } from "./operation.ts";
import { planRun } from "./run-step.ts";
import { type ArgumentScope, expander, proxyEnvironment, type WordExpander } from "./scope.ts";
import type { PlanContext, StepDraft } from "./stage-plan.ts";

/** What the steps of a stage change as they are planned. */
export type StepState = {
  config: ContainerConfig;
  author: string | undefined;
  commandSet: boolean;
  workdirSet: boolean;
  /** Instructions of which only the last one counts, by kind. */
  readonly used: Map<string, Instruction>;
};

export type StepPlanParts = {
  readonly context: PlanContext;
  /** The stage's. */
  readonly index: number;
  readonly scope: ArgumentScope;
  readonly state: StepState;
  /** Of COPY and ADD one; of RUN one for each mount. */
  readonly origins: readonly FilesOrigin[];
  readonly vertexName: string | undefined;
};

/** Plans one instruction and applies it to `state`. Throws `SyntaxFault` for values that make no sense. */
export function planStep(instruction: Instruction, parts: StepPlanParts): StepDraft {
  const { context, scope, state, origins } = parts;
  const { dockerfile, history } = context;
  const expand = expander(scope, state.config.Env ?? [], dockerfile.escape, (unmatched) =>
    checkVariables(instruction, unmatched, scope.declaredNames(), expand.variables.keys(), dockerfile.linter),
  );
  checkStep(instruction, (state.config.Shell ?? []).length > 0, dockerfile.linter);
  const step = (change: Pick<StepDraft, "createdBy"> & Partial<StepDraft>): StepDraft => ({
    source: instruction.source,
    startLine: instruction.startLine,
    endLine: instruction.endLine,
    vertexName: parts.vertexName,
    operation: undefined,
    config: state.config,
    author: state.author,
    notes: [],
    ...change,
  });
  if (instruction.kind === "from") throw new SyntaxFault("FROM isn't allowed here");
  if (instruction.kind === "run") return step(planRunStep(instruction, parts, expand));
  if (isCopy(instruction)) {
    return step(planCopyStep(instruction, parts, expand, origins[0] ?? { kind: "context" }));
  }
  if (instruction.kind === "arg") {
    const text = declareArguments(instruction.entries, scope, expand, context.options.dialect === "buildkit");
    for (const { name } of instruction.entries) {
      const value = scope.values().get(name);
      context.options.outline?.argument(parts.index, argumentOf(instruction, name, value));
    }
    return step({ createdBy: history.metadata(shellOf(state.config), `ARG ${text}`) });
  }
  if (instruction.kind === "maintainer") {
    state.author = instruction.name;
    const createdBy = history.metadata(shellOf(state.config), `MAINTAINER ${instruction.name}`);
    return step({ author: state.author, createdBy });
  }
  if (instruction.kind === "workdir") {
    const edit = editConfig(state.config, instruction, expand, state.commandSet, context.options.dialect);
    checkWorkdir(instruction, expand.word(instruction.path), !state.workdirSet, dockerfile.linter);
    state.workdirSet = true;
    const path = edit.config.WorkingDir ?? "/";
    const user = state.config.User ?? "";
    state.config = edit.config;
    return step({
      config: edit.config,
      createdBy: history.workdir(shellOf(edit.config), edit.text),
      operation: path === "/" ? undefined : { kind: "workdir", path, user, epoch: context.epoch },
    });
  }
  if (instruction.kind === "expose") {
    const words = instruction.ports.flatMap((port) => expand.words(port));
    checkPorts(instruction, words, dockerfile.linter);
  }
  if (instruction.kind === "cmd" || instruction.kind === "entrypoint" || instruction.kind === "healthcheck") {
    checkOnlyOne(instruction, state.used, dockerfile.linter);
  }
  const edit = editConfig(state.config, instruction, expand, state.commandSet, context.options.dialect);
  state.config = edit.config;
  state.commandSet = edit.commandSet;
  if (instruction.kind === "env") {
    for (const { name } of instruction.pairs) scope.setEnvironment(expand.word(name));
  }
  const isTold = instruction.kind !== "onbuild" || history.onbuild;
  return step({
    config: edit.config,
    createdBy: isTold ? history.metadata(shellOf(edit.config), edit.text) : undefined,
    notes: edit.notes,
  });
}

function isCopy(instruction: Instruction): instruction is InstructionOf<"copy" | "add"> {
  return instruction.kind === "copy" || instruction.kind === "add";
}

function planRunStep(instruction: InstructionOf<"run">, parts: StepPlanParts, expand: WordExpander) {
  const { context, scope, state, origins } = parts;
  const given = context.options.arguments;
  const mounts = planMounts(instruction.mounts, {
    expand: expand.word,
    workdir: state.config.WorkingDir ?? "/",
    cacheNamespace: given["BUILDKIT_CACHE_MOUNT_NS"] ?? "",
    origins,
  });
  for (const mount of mounts) {
    const { startLine, endLine } = instruction;
    if (mount.type === "secret" || mount.type === "ssh") {
      const need = { name: mount.id, required: mount.required, startLine, endLine };
      if (mount.type === "secret") context.options.outline?.secret(parts.index, need);
      else context.options.outline?.agent(parts.index, need);
    }
    if (mount.type === "bind" && mount.origin.kind === "context") context.contextPaths.add(mount.source);
  }
  return planRun(instruction, state.config, scope, {
    mounts,
    history: context.history,
    hostname: given["BUILDKIT_SANDBOX_HOSTNAME"] ?? undefined,
    proxies: proxyEnvironment(given),
    variables: expand.variables,
  });
}

function planCopyStep(
  instruction: InstructionOf<"copy" | "add">,
  parts: StepPlanParts,
  expand: WordExpander,
  origin: FilesOrigin,
) {
  const { context, state } = parts;
  const { history, epoch, dockerfile } = context;
  const planned = planCopy(instruction, state.config, { origin, expand, history, epoch });
  if (origin.kind === "context") {
    const paths = planned.operation.sources.filter((source) => !isUrl(source) && !isGitSource(source));
    for (const path of paths) context.contextPaths.add(path);
    checkIgnored(instruction, paths, context.options.ignore ?? [], dockerfile.linter);
  }
  return planned;
}

/** An argument as the outline has it. */
export function argumentOf(
  instruction: Pick<Instruction, "comments" | "startLine" | "endLine">,
  name: string,
  value: string | undefined,
): OutlineArgument {
  const { comments, startLine, endLine } = instruction;
  return { name, value, description: descriptionOf(comments, name), startLine, endLine };
}

/**
 * Declares the arguments of one ARG and says what history tells: of a classic build the Dockerfile's default and not
 * what was given, of BuildKit's the value.
 */
export function declareArguments(
  entries: readonly { readonly name: string; readonly value: string | undefined }[],
  scope: ArgumentScope,
  expand: Pick<WordExpander, "word">,
  showsValues: boolean,
): string {
  const shown = entries.map(({ name, value }) => {
    const actual = scope.declare(name, value, expand.word);
    const told = showsValues ? actual : value === undefined ? undefined : (scope.defaultOf(name) ?? value);
    return told === undefined ? name : `${name}=${told}`;
  });
  return shown.join(" ");
}
