import { posix } from "node:path";
import type { ContainerConfig } from "#formats";
import { SyntaxFault } from "../parse/fault.ts";
import { heredocText, parseHeredocWord } from "../parse/heredoc.ts";
import type { CommandLine, InstructionOf } from "../parse/instruction.ts";
import { commandWords } from "./config-edits.ts";
import type { HistoryStyle } from "./history.ts";
import type { PlannedMount, RunOperation } from "./operation.ts";
import { type ArgumentScope, runArguments, type WordExpander } from "./scope.ts";

export type RunOptions = {
  readonly mounts: readonly PlannedMount[];
  readonly history: HistoryStyle;
  readonly hostname: string | undefined;
  /** Proxies that reach every command and nothing else. */
  readonly proxies: readonly string[];
  /** Values of the declared arguments, for BuildKit's history. */
  readonly variables: WordExpander["variables"];
};

/** A RUN made ready: what runs, in which environment, and how history tells it. */
export function planRun(
  instruction: InstructionOf<"run">,
  config: ContainerConfig,
  scope: ArgumentScope,
  options: RunOptions,
): { readonly operation: RunOperation; readonly createdBy: string } {
  const { command, script } = withHeredocs(instruction.command);
  const args = commandWords(command, config);
  const { kept, all, visible } = runArguments(scope, config.Env ?? []);
  const declared = scope.declaredNames().map((name) => `${name}=${options.variables.get(name) ?? ""}`);
  const proxies = options.proxies.filter((entry) => !scope.isDeclared(entry.split("=", 1)[0] ?? ""));
  const { WorkingDir: directory } = config;
  const operation: RunOperation = {
    kind: "run",
    args,
    environment: [...kept, ...all, ...proxies],
    keyedEnvironment: [...kept, ...visible],
    directory: directory === null || directory === undefined || directory === "" ? "/" : directory,
    user: config.User ?? "",
    network: instruction.network,
    security: instruction.security,
    hostname: options.hostname,
    mounts: options.mounts,
    devices: instruction.devices,
    script,
    command: args.join(" "),
  };
  return { operation, createdBy: options.history.run(args, declared, visible, all.length > 0) };
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
