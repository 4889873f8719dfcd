import { EngineError, errorMessage } from "#base";
import type { ContainerConfig } from "#formats";
import { errors } from "./errors.ts";
import { SyntaxFault } from "./parse/fault.ts";
import type { Instruction } from "./parse/instruction.ts";
import { readInstruction } from "./parse/instructions.ts";
import { parseTree } from "./parse/node.ts";
import { type ConfigInstruction, editConfig } from "./plan/config-edits.ts";
import { expander, globalScope } from "./plan/scope.ts";

const allowed = new Set([
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
]);

/**
 * The instructions of `commit --change` and `import --change` as an edit of a config. Throws kind invalid for anything
 * that is no config instruction, before any edit is made.
 */
export function parseChanges(lines: readonly string[]): (config: ContainerConfig) => ContainerConfig {
  const { instructions, escape } = inWords(() => readChanges(lines));
  return (config) =>
    inWords(() => {
      let current = config;
      let commandSet = false;
      for (const instruction of instructions) {
        const expand = expander(globalScope({}, new Map()), current.Env ?? [], escape);
        const edit = editConfig(current, instruction, expand, commandSet);
        current = edit.config;
        commandSet = edit.commandSet;
      }
      return current;
    });
}

function readChanges(lines: readonly string[]): { instructions: readonly ConfigInstruction[]; escape: string } {
  const tree = parseTree(lines.join("\n"));
  const instructions = tree.nodes.map((node) => {
    const instruction = readInstruction(node);
    if (!isConfigInstruction(instruction)) throw errors["build-change-forbidden"](node.keyword.toLowerCase());
    return instruction;
  });
  return { instructions, escape: tree.directives.escape };
}

function isConfigInstruction(instruction: Instruction): instruction is Extract<Instruction, ConfigInstruction> {
  return allowed.has(instruction.kind.toUpperCase());
}

function inWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyntaxFault) throw errors["build-change-invalid"](error.message);
    if (error instanceof EngineError) throw error;
    throw errors["build-change-invalid"](errorMessage(error));
  }
}
