import { errors } from "../errors.ts";
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
};

/** Parses a whole Dockerfile. Errors name the file, the line and the word at fault. */
export function parseDockerfile(text: string, file = "Dockerfile"): Dockerfile {
  try {
    return buildStages(text, file);
  } catch (error) {
    if (error instanceof SyntaxFault) throw errors["build-dockerfile-syntax"](file, error.line ?? 1, error.message);
    throw error;
  }
}

function buildStages(text: string, file: string): Dockerfile {
  const tree = parseTree(text);
  if (tree.nodes.length === 0) throw new SyntaxFault("file with no instructions");
  const globalArguments: (Instruction & ArgInstruction)[] = [];
  const stages: { from: Instruction & FromInstruction; instructions: Instruction[] }[] = [];
  for (const node of tree.nodes) {
    const instruction = readInstruction(node);
    const stage = stages.at(-1);
    if (instruction.kind === "from") stages.push({ from: instruction, instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === "arg") globalArguments.push(instruction);
    else throw new SyntaxFault("no build stage in current context", node.startLine);
  }
  if (stages.length === 0) throw errors["build-no-stage"]();
  return { file, escape: tree.directives.escape, globalArguments, stages, warnings: tree.warnings };
}

/** Parses one instruction on its own (an ONBUILD trigger); throws `SyntaxFault`. */
export function parseTrigger(text: string): Instruction {
  const { nodes } = parseTree(text);
  const [node] = nodes;
  if (node === undefined || nodes.length !== 1) throw new SyntaxFault("onbuild trigger should be a single expression");
  return readInstruction(node);
}
