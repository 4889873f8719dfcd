import { errors } from "../errors.ts";
import { type Linter, silentLinter } from "../lint/linter.ts";
import { checkInstruction, checkStages } from "../lint/static-checks.ts";
import { detectDirective } from "./directives.ts";
import { SyntaxFault } from "./fault.ts";
import type { ArgInstruction, FromInstruction, Instruction } from "./instruction.ts";
import { readInstruction } from "./instructions.ts";
import { parseTree } from "./node.ts";

export type Stage = {
  readonly from: Instruction & FromInstruction;
  readonly instructions: readonly Instruction[];
};

/** A Dockerfile whose every instruction is well formed. */
export type Dockerfile = {
  /** The file's name as the user gave it, for messages. */
  readonly file: string;
  readonly escape: "\\" | "`";
  /** ARGs before the first FROM. */
  readonly globalArguments: readonly (Instruction & ArgInstruction)[];
  readonly stages: readonly Stage[];
  readonly warnings: readonly string[];
  /** Takes what the checks find. */
  readonly linter: Linter;
};

/**
 * Parses a whole Dockerfile. Errors name the file, the line and the word at fault; what the checks found before that
 * line is reported all the same.
 * @param linterFor makes the linter, once the `# check=` directive is known
 */
export function parseDockerfile(
  text: string,
  file = "Dockerfile",
  linterFor: (check: string | undefined) => Linter = () => silentLinter,
): Dockerfile {
  try {
    return buildStages(text, file, linterFor);
  } catch (error) {
    if (error instanceof SyntaxFault) throw errors["build-dockerfile-syntax"](file, error.line ?? 1, error.message);
    throw error;
  }
}

function buildStages(text: string, file: string, linterFor: (check: string | undefined) => Linter): Dockerfile {
  const tree = parseTree(text);
  const linter = linterFor(tree.directives.check ?? detectDirective(text, "check")?.value);
  for (const line of tree.emptyContinuations) {
    const place = { startLine: line, endLine: line, comments: [] };
    linter.report("NoEmptyContinuation", place, "Empty continuation line");
  }
  if (tree.nodes.length === 0) throw new SyntaxFault("file with no instructions");
  const globalArguments: (Instruction & ArgInstruction)[] = [];
  const stages: { from: Instruction & FromInstruction; instructions: Instruction[] }[] = [];
  for (const node of tree.nodes) {
    const instruction = readInstruction(node);
    checkInstruction(instruction, linter);
    const stage = stages.at(-1);
    if (instruction.kind === "from") stages.push({ from: instruction, instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === "arg") globalArguments.push(instruction);
    else throw new SyntaxFault("no build stage in current context", node.startLine);
  }
  if (stages.length === 0) throw errors["build-no-stage"]();
  const { directives, warnings } = tree;
  const dockerfile: Dockerfile = { file, escape: directives.escape, globalArguments, stages, warnings, linter };
  checkStages(dockerfile, linter);
  return dockerfile;
}

/** Parses one instruction on its own (an ONBUILD trigger); throws `SyntaxFault`. */
export function parseTrigger(text: string): Instruction {
  const { nodes } = parseTree(text);
  const [node] = nodes;
  if (node === undefined || nodes.length !== 1) throw new SyntaxFault("onbuild trigger should be a single expression");
  return readInstruction(node);
}
