import { EngineError } from "#base";
import type { Command, CommandContext } from "./command.ts";
import { commandLoaders, groups } from "./command-table.ts";
import { type ConnectionFlags, prepareConnection } from "./connection/connect.ts";
import { cliErrors } from "./errors.ts";
import { exitCodeOf } from "./exit-code.ts";
import { printFailure } from "./failure.ts";
import { parseFlags } from "./flags/parse.ts";
import { writeText } from "./output/write.ts";

/** The command line without its name → the exit status. Never throws. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    printFailure(error, error instanceof EngineError && error.code === "unknown-command" ? "berth: " : "");
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  let words = argv;
  let connection: ConnectionFlags = {};
  if (argv[0] === undefined || argv[0].startsWith("-")) {
    const { readGlobalFlags } = await import("./global-flags.ts");
    const global = readGlobalFlags(argv);
    if (global.finished !== undefined) return global.finished;
    words = global.rest;
    connection = global.connection;
  }
  const [first = "", second] = words;
  if (first === "help") return showHelp(words.slice(1));
  if (Object.hasOwn(groups, first)) {
    if (second === undefined) return showHelp([first], 2);
    if (second === "--help" || second === "-h") return showHelp([first]);
    const path = `${first} ${second}`;
    if (!Object.hasOwn(commandLoaders, path)) {
      const { suggest } = await import("./suggest.ts");
      const known = Object.keys(commandLoaders).filter((name) => name.startsWith(`${first} `));
      throw cliErrors["unknown-command"](path, suggest(path, known));
    }
    return runCommand(path, words.slice(2), connection);
  }
  if (!Object.hasOwn(commandLoaders, first)) {
    const { suggest } = await import("./suggest.ts");
    const known = [...Object.keys(commandLoaders).filter((name) => !name.includes(" ")), ...Object.keys(groups)];
    throw cliErrors["unknown-command"](first, suggest(first, known));
  }
  return runCommand(first, words.slice(1), connection);
}

async function showHelp(words: readonly string[], descriptor: 1 | 2 = 1): Promise<number> {
  const { helpFor } = await import("./overview.ts");
  writeText(descriptor, await helpFor(words));
  return 0;
}

async function loadCommand(path: string): Promise<Command> {
  const load = commandLoaders[path] as () => Promise<{ command: Command }>;
  return (await load()).command;
}

async function runCommand(path: string, argv: readonly string[], connection: ConnectionFlags): Promise<number> {
  const command = await loadCommand(path);
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(command.flags, argv, { stopAtOperand: command.stopAtOperand ?? false });
  } catch (error) {
    printFailure(error);
    const { renderUsage } = await import("./help.ts");
    writeText(2, `\n${renderUsage(command, path)}\nRun 'berth ${path} --help' for more information\n`);
    return exitCodeOf(error);
  }
  if (parsed.wantsHelp) {
    const [{ renderHelp }, { outputColumns }] = await Promise.all([
      import("./help.ts"),
      import("./terminal/terminal.ts"),
    ]);
    writeText(1, renderHelp(command, path, outputColumns()));
    return 0;
  }
  const { min = 0, max = 0 } = command.operands ?? {};
  if (parsed.operands.length < min || parsed.operands.length > max) {
    const { operandProblem, renderUsage } = await import("./help.ts");
    const problem = operandProblem(command, path, parsed.operands.length) ?? "";
    const verb = problem.includes("requires at least") ? "See" : "Run";
    writeText(
      2,
      `berth: ${problem}\n\n${renderUsage(command, path)}\n${verb} 'berth ${path} --help' for more information\n`,
    );
    return 1;
  }
  const connect = await prepareConnection(connection, command.neverStartsDaemon !== true);
  let client: CommandContext["client"] | undefined;
  const context: CommandContext = {
    path,
    connection,
    get client() {
      client ??= connect();
      return client;
    },
  };
  try {
    return (await command.run(context, parsed.values, parsed.operands, parsed.given)) ?? 0;
  } finally {
    client?.close();
  }
}
