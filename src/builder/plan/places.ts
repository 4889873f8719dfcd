import { EngineError, errorMessage } from "#base";
import { errors } from "../errors.ts";
import { type Dockerfile, parseTrigger } from "../parse/dockerfile.ts";
import { SyntaxFault } from "../parse/fault.ts";
import type { Instruction } from "../parse/instruction.ts";

/** Runs `work`; what it finds wrong is reported with the instruction's file and line. */
export function located<T>(dockerfile: Dockerfile, instruction: Pick<Instruction, "startLine">, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyntaxFault) && !(error instanceof EngineError)) throw error;
    throw errors["build-step-invalid"](dockerfile.file, instruction.startLine, errorMessage(error));
  }
}

/** Throws what is wrong with an instruction, with its file and line. */
export function fail(dockerfile: Dockerfile, instruction: Pick<Instruction, "startLine">, reason: string): never {
  throw errors["build-step-invalid"](dockerfile.file, instruction.startLine, reason);
}

/** The instruction of an ONBUILD trigger; it stands where the FROM stands that set it off. */
export function locatedTrigger(dockerfile: Dockerfile, from: Instruction, text: string): Instruction {
  return located(dockerfile, from, () => {
    const instruction = parseTrigger(text);
    if (instruction.kind === "from" || instruction.kind === "onbuild" || instruction.kind === "maintainer") {
      throw new SyntaxFault(`${instruction.kind.toUpperCase()} isn't allowed as an ONBUILD trigger`);
    }
    return { ...instruction, startLine: from.startLine, endLine: from.endLine, comments: from.comments };
  });
}
