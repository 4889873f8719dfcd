import type { Dockerfile } from "../parse/dockerfile.ts";
import type { Instruction } from "../parse/instruction.ts";
import type { BuildPlan } from "../plan/operation.ts";

/** Physical lines, both included. */
type Lines = Pick<Instruction, "startLine" | "endLine">;

/** A build argument that a build takes. */
export type OutlineArgument = Lines & {
  readonly name: string;
  readonly value: string | undefined;
  readonly description: string | undefined;
};

/** A secret or SSH agent that a build asks for. */
export type OutlineNeed = Lines & { readonly name: string; readonly required: boolean };

/** What a build of a target takes: `--call outline`. */
export type Outline = {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly arguments: readonly OutlineArgument[];
  readonly secrets: readonly OutlineNeed[];
  readonly agents: readonly OutlineNeed[];
};

/** Hears what planning finds out about the parameters of stages. */
export type OutlineListener = {
  /** An ARG before the first FROM; `uses` are the variables in its default. */
  globalArgument(argument: OutlineArgument, uses: Iterable<string>): void;
  /** A FROM uses these variables. */
  uses(stage: number, names: Iterable<string>): void;
  argument(stage: number, argument: OutlineArgument): void;
  secret(stage: number, need: OutlineNeed): void;
  agent(stage: number, need: OutlineNeed): void;
};

/** Collects the outline of a target while the build is planned. */
export type OutlineCollector = OutlineListener & {
  /** The outline of the target that was planned. */
  outline(dockerfile: Dockerfile, plan: BuildPlan): Outline;
};

type StageNotes = {
  readonly uses: Set<string>;
  readonly arguments: Map<string, OutlineArgument>;
  readonly secrets: Map<string, OutlineNeed>;
  readonly agents: Map<string, OutlineNeed>;
};

/** Makes a collector; of a name that is declared several times in a stage the last argument and the first need count. */
export function createOutlineCollector(): OutlineCollector {
  const globals = new Map<string, { readonly argument: OutlineArgument; readonly uses: readonly string[] }>();
  const stages = new Map<number, StageNotes>();
  const notes = (stage: number): StageNotes => {
    let found = stages.get(stage);
    if (found === undefined) {
      found = { uses: new Set(), arguments: new Map(), secrets: new Map(), agents: new Map() };
      stages.set(stage, found);
    }
    return found;
  };
  const addOnce = <Value extends { readonly name: string }>(map: Map<string, Value>, value: Value) => {
    if (!map.has(value.name)) map.set(value.name, value);
  };
  const useGlobal = (name: string, into: Map<string, OutlineArgument>): void => {
    const found = globals.get(name);
    if (found === undefined || into.has(name)) return;
    into.set(name, found.argument);
    for (const other of found.uses) useGlobal(other, into);
  };
  return {
    globalArgument: (argument, uses) => void globals.set(argument.name, { argument, uses: [...uses] }),
    uses: (stage, names) => {
      for (const name of names) notes(stage).uses.add(name);
    },
    argument: (stage, argument) => void notes(stage).arguments.set(argument.name, argument),
    secret: (stage, need) => addOnce(notes(stage).secrets, need),
    agent: (stage, need) => addOnce(notes(stage).agents, need),
    outline: (dockerfile, plan) => {
      const all = new Map<string, OutlineArgument>();
      const secrets = new Map<string, OutlineNeed>();
      const agents = new Map<string, OutlineNeed>();
      const visited = new Set<number>();
      const visit = (index: number): void => {
        if (visited.has(index)) return;
        visited.add(index);
        const own = notes(index);
        for (const argument of own.arguments.values()) addOnce(all, argument);
        for (const name of own.uses) useGlobal(name, all);
        for (const need of own.secrets.values()) addOnce(secrets, need);
        for (const need of own.agents.values()) addOnce(agents, need);
        for (const other of plan.stages.find((stage) => stage.index === index)?.needs ?? []) visit(other);
      };
      visit(plan.target);
      const from = dockerfile.stages[plan.target]?.from;
      return {
        name: from?.name,
        description: from?.name === undefined ? undefined : descriptionOf(from.comments, from.name),
        arguments: inOrder(all),
        secrets: inOrder(secrets),
        agents: inOrder(agents),
      };
    },
  };
}

function inOrder<Value extends Lines>(map: ReadonlyMap<string, Value>): readonly Value[] {
  return [...map.values()].toSorted((one, other) => one.startLine - other.startLine);
}

/** What the comment right above says about a name: "# NAME text". */
export function descriptionOf(comments: readonly string[], name: string): string | undefined {
  const line = comments.find((comment) => comment.startsWith(`${name} `));
  return line?.slice(name.length + 1);
}
