import { EngineError, errorMessage } from "#base";
import { canonicalName, type Platform, tryParseReference, withDefaultTag } from "#formats";
import type { ImageRecord } from "#images";
import { errors } from "../errors.ts";
import { suggest } from "../parse/fault.ts";
import type { Instruction } from "../parse/instruction.ts";
import type { PlanContext } from "./stage-plan.ts";

/**
 * Finds or fetches the image that an instruction names. What fails is told with the Dockerfile's line, and with the stage
 * that was perhaps meant.
 */
export async function findImage(
  context: PlanContext,
  instruction: Pick<Instruction, "kind" | "startLine">,
  name: string,
  wanted: Platform | undefined,
): Promise<ImageRecord> {
  const { dockerfile, options } = context;
  try {
    return await options.findImage(name, wanted);
  } catch (error) {
    if (!(error instanceof EngineError) || error.kind === "cancelled") throw error;
    const own = dockerfile.stages.find(({ from }) => from === instruction)?.from.name;
    const names = dockerfile.stages.flatMap(({ from }) => from.name ?? []);
    const near = suggest(
      name,
      names.filter((other) => other !== own),
    );
    const meant =
      near === undefined ? "" : ` (did you mean ${instruction.kind === "from" ? near : `the stage ${near}`}?)`;
    if (options.dialect !== "buildkit") {
      error.message += meant;
      throw error;
    }
    const reference = tryParseReference(name);
    const what =
      reference === undefined
        ? `failed to parse stage name ${JSON.stringify(name)}`
        : `${name}: failed to resolve source metadata for ${canonicalName(withDefaultTag(reference))}`;
    throw errors["build-image-unresolved"](
      dockerfile.file,
      instruction.startLine,
      `${what}: ${errorMessage(error)}${meant}`,
      error.hint ?? "",
    );
  }
}
