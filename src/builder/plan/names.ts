import type { Platform } from "#formats";
import type { Stage } from "../parse/dockerfile.ts";
import type { Instruction } from "../parse/instruction.ts";
import type { StageBase } from "./operation.ts";
import { formatPlatform } from "./platform.ts";
import type { PlanContext } from "./stage-plan.ts";

/** BuildKit's names of a stage's steps: "[build 2/5] RUN make". Edits of the config have none. */
export function stepNames(
  context: PlanContext,
  stage: Stage,
  index: number,
  parts: {
    readonly base: StageBase;
    readonly instructions: readonly Instruction[];
    /** How many of them are ONBUILD triggers. */
    readonly triggers: number;
    readonly platform: Platform;
  },
): { readonly base: string | undefined; step(place: number): string | undefined } {
  const { base, instructions } = parts;
  const hasBase = base.kind === "image" || base.kind === "files";
  const counted = instructions.map((instruction) => ["run", "copy", "add", "workdir"].includes(instruction.kind));
  const total = counted.filter(Boolean).length + (hasBase ? 1 : 0);
  const width = String(total).length;
  const only = context.dockerfile.stages.length === 1;
  const words = [
    ...(context.options.showsPlatform === true ? [formatPlatform(parts.platform)] : []),
    ...(only ? [] : [stage.from.name ?? `stage-${index}`]),
  ];
  const prefix = (number: number) => `[${[...words, String(number).padStart(width)].join(" ")}/${total}] `;
  return {
    base: hasBase ? `${prefix(1)}FROM ${nameOfBase(base, stage)}` : undefined,
    step: (place) => {
      const instruction = instructions[place];
      if (instruction === undefined || counted[place] !== true) return undefined;
      const number = counted.slice(0, place + 1).filter(Boolean).length + (hasBase ? 1 : 0);
      const trigger = place < parts.triggers ? "ONBUILD " : "";
      return prefix(number) + trigger + shownSource(instruction);
    },
  };
}

function nameOfBase(base: StageBase, stage: Stage): string {
  if (base.kind === "files") return base.name;
  if (base.kind !== "image") return stage.from.base;
  return base.record.repoTags[0] ?? base.record.id;
}

/** The instruction on one line, its keyword in capitals; a here-document is told by its first line. */
function shownSource(instruction: Instruction): string {
  const text = instruction.source.replace(/^\S+/, (keyword) => keyword.toUpperCase());
  if (instruction.kind !== "run" || instruction.command.heredocs.length === 0) return text;
  const lines = (instruction.command.heredocs[0]?.content ?? "").trim().split("\n");
  return `${text} (${lines[0] ?? ""}${lines.length > 1 ? "..." : ""})`;
}
