import type { Platform } from "#formats";
import type { ImageRecord } from "#images";
import type { NamedContext } from "../contract.ts";
import { errors } from "../errors.ts";
import type { Dockerfile } from "../parse/dockerfile.ts";
import type { Instruction } from "../parse/instruction.ts";
import { findImage } from "./find-image.ts";
import { mountSources } from "./mounts.ts";
import type { FilesOrigin } from "./operation.ts";
import { fail } from "./places.ts";
import type { PlanContext } from "./stage-plan.ts";

/** Where the files of an instruction come from: one origin for COPY and ADD, one for each mount of RUN. */
export async function planOrigins(
  context: PlanContext,
  instruction: Instruction,
  current: number,
  needs: Set<number>,
  chain: readonly number[],
): Promise<readonly FilesOrigin[]> {
  if (instruction.kind === "copy" || instruction.kind === "add") {
    if (instruction.from === undefined) return [{ kind: "context" }];
    return [await originNamed(context, instruction, instruction.from, current, needs, chain, true)];
  }
  if (instruction.kind !== "run") return [];
  const origins: FilesOrigin[] = [];
  for (const source of mountSources(instruction.mounts)) {
    if (typeof source === "string") origins.push({ kind: source });
    else origins.push(await originNamed(context, instruction, source.from, current, needs, chain, false));
  }
  return origins;
}

async function originNamed(
  context: PlanContext,
  instruction: Instruction,
  from: string,
  current: number,
  needs: Set<number>,
  chain: readonly number[],
  allowIndex: boolean,
): Promise<FilesOrigin> {
  const { dockerfile, options } = context;
  const named = from.toLowerCase() === "scratch" ? undefined : options.findContext?.(from, context.platform);
  if (named !== undefined) {
    if (named.kind === "files") return { kind: "named", name: from };
    if (named.kind === "layout") {
      return { kind: "image", record: await layoutImage(context, named, from, context.platform) };
    }
    if (named.reference === "scratch") return { kind: "scratch" };
    return { kind: "image", record: await findImage(context, instruction, named.reference, context.platform) };
  }
  const index = findStage(dockerfile, from, current) ?? (allowIndex && /^\d+$/.test(from) ? Number(from) : undefined);
  if (index === undefined) {
    if (from === "scratch") return { kind: "scratch" };
    return { kind: "image", record: await findImage(context, instruction, from, undefined) };
  }
  const flag = `invalid from flag value ${from}`;
  if (index >= dockerfile.stages.length)
    fail(dockerfile, instruction, `${flag}: index out of bounds: invalid stage index ${index}`);
  if (index === current || chain.includes(index)) {
    const name = dockerfile.stages[index]?.from.name ?? String(index);
    const isOwn = index === current && options.dialect !== "buildkit";
    const reason = isOwn ? "refers to current build stage" : `circular dependency detected on stage: ${name}`;
    fail(dockerfile, instruction, `${flag}: ${reason}`);
  }
  if (index > current) {
    const currentName = dockerfile.stages[current]?.from.name ?? `stage-${current}`;
    fail(
      dockerfile,
      instruction,
      `${flag}: cannot copy from stage ${JSON.stringify(from)}, it needs to be defined before current stage ${JSON.stringify(currentName)}`,
    );
  }
  await context.draft(index, chain);
  needs.add(index);
  return { kind: "stage", index };
}

/** The image of a named context that is an OCI layout. */
export async function layoutImage(
  { options }: PlanContext,
  named: Extract<NamedContext, { kind: "layout" }>,
  name: string,
  platform: Platform,
): Promise<ImageRecord> {
  if (options.findLayout === undefined) throw errors["build-layout-invalid"](name, "no layout can be read here");
  return options.findLayout(named, name, platform);
}

/** The latest stage of a name before `before`, or else the first after. */
function findStage(dockerfile: Dockerfile, name: string, before: number): number | undefined {
  const wanted = name.toLowerCase();
  const earlier = dockerfile.stages.slice(0, before).findLastIndex((stage) => stage.from.name === wanted);
  if (earlier !== -1) return earlier;
  const later = dockerfile.stages.findIndex((stage) => stage.from.name === wanted);
  return later === -1 ? undefined : later;
}
