import { posix } from "node:path";
import type { ContainerConfig } from "#formats";
import { SyntaxFault } from "../parse/fault.ts";
import { heredocText, parseHeredocWord } from "../parse/heredoc.ts";
import type { CommandLine, InstructionOf } from "../parse/instruction.ts";
import { commandWords } from "./config-edits.ts";
import { runHistory } from "./history.ts";
import type { FileOperation } from "./operation.ts";
import { type ArgumentScope, runArguments } from "./scope.ts";

/** A RUN made ready: what runs, in which environment, and how history tells it. */
export function planRun(
  instruction: InstructionOf<"run">,
  config: ContainerConfig,
  scope: ArgumentScope,
): { readonly operation: FileOperation; readonly createdBy: string } {
  const { command, script } = withHeredocs(instruction.command);
  const args = commandWords(command, config);
  const environment = config.Env ?? [];
  const { all, visible } = runArguments(scope, environment);
  return {
    operation: {
      kind: "run",
      args,
      environment: [...environment, ...all],
      keyedEnvironment: [...environment, ...visible],
      directory:
        config.WorkingDir === null || config.WorkingDir === undefined || config.WorkingDir === ""
          ? "/"
          : config.WorkingDir,
      user: config.User ?? "",
      network: instruction.network,
      script,
      command: args.join(" "),
    },
    createdBy: runHistory(args, all.length > 0, visible),
  };
}

/**
 * Here-documents of RUN: one that stands alone is the script itself (through the shell, or as a program when it begins
 * with `#!`); otherwise line and bodies go to the shell, which knows what to do.
 */
function withHeredocs(command: CommandLine): {
  readonly command: CommandLine;
  readonly script: { readonly path: string; readonly text: string } | undefined;
} {
  const [first] = command.heredocs;
  const [line = ""] = command.words;
  if (first === undefined || command.form === "exec") return { command, script: undefined };
  if (parseHeredocWord(line) === undefined) {
    const bodies = command.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join("");
    return { command: { ...command, words: [line + bodies] }, script: undefined };
  }
  const text = heredocText(first);
  if (!text.startsWith("#!")) return { command: { ...command, words: [text] }, script: undefined };
  if (posix.basename(first.name) !== first.name || first.name === ".." || first.name === ".") {
    throw new SyntaxFault(`${JSON.stringify(first.name)} cannot name a script`);
  }
  const path = `/dev/pipes/${first.name}`;
  return { command: { ...command, words: [path] }, script: { path, text } };
}
