import type { Dockerfile } from "../parse/dockerfile.ts";
import { descriptionOf } from "./outline.ts";

/** A stage that can be built: a row of `--call targets`. */
export type TargetDescription = {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly isDefault: boolean;
  /** As the Dockerfile says it, variables and all. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly startLine: number;
  readonly endLine: number;
};

/** Every stage of a Dockerfile, in its order. */
export function listTargets(dockerfile: Dockerfile): readonly TargetDescription[] {
  return dockerfile.stages.map(({ from }, index) => ({
    name: from.name,
    description: from.name === undefined ? undefined : descriptionOf(from.comments, from.name),
    isDefault: index === dockerfile.stages.length - 1,
    base: from.base,
    platform: from.platform,
    startLine: from.startLine,
    endLine: from.endLine,
  }));
}
