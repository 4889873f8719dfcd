import { type Digest, digestOf } from "#base";
import type { SourceRange } from "../contract.ts";
import type { BuildPlan, FilesOrigin, PlannedStage, PlannedStep } from "../plan/operation.ts";
import { formatPlatform } from "../plan/platform.ts";
import type { Reporter } from "./reporter.ts";

/** The vertices of a plan: what clients show as lines of progress. */
export type Vertices = {
  /** Of a stage's base; undefined for scratch and stages on stages. */
  base(stage: PlannedStage): Digest | undefined;
  /** Of a step that works on files; undefined for an edit of the config. */
  step(stage: PlannedStage, place: number): Digest | undefined;
  /** Of the build context; undefined when nothing reads it. */
  readonly context: Digest | undefined;
};

/** Announces every vertex, in the Dockerfile's order, with what it depends on. */
export function announceVertices(plan: BuildPlan, file: string, reporter: Reporter): Vertices {
  const bases = new Map<PlannedStage, Digest>();
  const steps = new Map<string, Digest>();
  // The same line for another platform is another step, also where nothing below it differs.
  const platform = formatPlatform(plan.platform);
  const ends = new Map<number, Digest | undefined>();
  const usesContext = plan.stages.some((stage) => stage.steps.some((step) => originsOf(step).some(isContext)));
  const context = usesContext ? digestOf(`context ${file}`) : undefined;
  if (context !== undefined) reporter.announce({ digest: context, name: "[internal] load build context" });
  const inputOf = (origin: FilesOrigin): Digest | undefined => {
    if (origin.kind === "stage") return ends.get(origin.index);
    return origin.kind === "context" ? context : undefined;
  };
  for (const stage of plan.stages) {
    let last: Digest | undefined = stage.base.kind === "stage" ? ends.get(stage.base.index) : undefined;
    if (stage.vertexName !== undefined) {
      const base = stage.base.kind === "image" ? stage.base.record.id : stage.base.kind;
      const digest = digestOf(JSON.stringify(["base", base, stage.vertexName]));
      reporter.announce({ digest, name: stage.vertexName, source: rangeOf(file, stage) });
      bases.set(stage, digest);
      last = digest;
    }
    for (const [place, step] of stage.steps.entries()) {
      if (step.vertexName === undefined) continue;
      const inputs = [last, ...originsOf(step).map(inputOf)].filter((input) => input !== undefined);
      const digest = digestOf(JSON.stringify(["step", platform, stage.index, place, step.source, inputs]));
      reporter.announce({ digest, name: step.vertexName, inputs, source: rangeOf(file, step) });
      steps.set(`${stage.index} ${place}`, digest);
      last = digest;
    }
    ends.set(stage.index, last);
  }
  return {
    context,
    base: (stage) => bases.get(stage),
    step: (stage, place) => steps.get(`${stage.index} ${place}`),
  };
}

/** Where a step stands. */
export function rangeOf(file: string, place: { readonly startLine: number; readonly endLine: number }): SourceRange {
  return { file, startLine: place.startLine, endLine: place.endLine };
}

function isContext(origin: FilesOrigin): boolean {
  return origin.kind === "context";
}

function originsOf({ operation }: PlannedStep): FilesOrigin[] {
  if (operation?.kind === "copy") return operation.sources.length === 0 ? [] : [operation.origin];
  if (operation?.kind !== "run") return [];
  return operation.mounts.flatMap((mount) => (mount.type === "bind" || mount.type === "cache" ? [mount.origin] : []));
}
