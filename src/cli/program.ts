import { errorMessage } from "#base";
import type { Command, CommandContext } from "./command.ts";
import { commandLoaders, groups, hiddenCommands, hiddenGroups } from "./command-table.ts";
import { type ConnectionFlags, prepareConnection } from "./connection/connect.ts";
import { cliErrors } from "./errors.ts";
import { exitCodeOf } from "./exit-code.ts";
import { printFailure, toldFailures } from "./failure.ts";
import { parseFlags } from "./flags/parse.ts";
import { printable } from "./output/printable.ts";
import { writeText } from "./output/write.ts";

/** The command line without its name → the exit status. Never throws. */
export async function runCli(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    printFailure(error);
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
  const [first = ""] = words;
  if (first === "help") return showTopic(words.slice(1), argv, connection);
  // "trust key" is a group in a group.
  let length = 1;
  let path = first;
  while (Object.hasOwn(groups, path)) {
    const next = words[length];
    if (next === undefined) return showHelp(path, 2);
    if (next === "--help" || next === "-h") {
      if (next === "-h") warnOfShortHelp();
      return showHelp(path);
    }
    if (next.startsWith("-")) return (await tryPlugin(first, argv, connection)) ?? refuseGroupFlag(path, next);
    path += ` ${next}`;
    length++;
  }
  if (!Object.hasOwn(commandLoaders, path)) return (await tryPlugin(first, argv, connection)) ?? refuseCommand(path);
  return runCommand(path, words.slice(length), connection);
}

/** Runs the plugin that has a command we have not; undefined when there is none. */
async function tryPlugin(
  name: string,
  argv: readonly string[],
  connection: ConnectionFlags,
): Promise<number | undefined> {
  const { aliasOf, findPlugin } = await import("./plugins/find-plugins.ts");
  const called = aliasOf(name);
  const [plugin = ""] = called;
  const file = findPlugin(plugin);
  if (file === undefined) return undefined;
  const [{ describePlugin }, { runPlugin }] = await Promise.all([
    import("./plugins/plugin-metadata.ts"),
    import("./plugins/run-plugin.ts"),
  ]);
  const words = argv.toSpliced(argv.indexOf(name), 1, ...called);
  return runPlugin(await describePlugin(file), words, connection);
}

function warnOfShortHelp(): void {
  writeText(1, "Flag shorthand -h has been deprecated, use --help\n");
}

/** A group has no flags of its own but `--help`. */
function refuseGroupFlag(group: string, word: string): number {
  const sentence = word.startsWith("--")
    ? `unknown flag: ${word.replace(/=.*$/, "")}`
    : `unknown shorthand flag: '${word[1] ?? ""}' in ${word}`;
  writeText(2, `${sentence}\n\nUsage:  berth ${group}\n\nRun 'berth ${group} --help' for more information\n`);
  return 125;
}

/** Says that there is no such command, in docker's words, and which one may have been meant. */
async function refuseCommand(path: string): Promise<number> {
  const { suggest } = await import("./suggest.ts");
  const group = path.includes(" ") ? path.slice(0, path.lastIndexOf(" ")) : "";
  const isListed = (name: string) => !hiddenCommands.has(name) && !hiddenGroups.has(name.replace(/ [^ ]*$/, ""));
  const { findPlugins } = await import("./plugins/find-plugins.ts");
  const added = group === "" ? findPlugins().map(({ name }) => name) : [];
  const known = [...added, ...Object.keys(commandLoaders), ...Object.keys(groups)].filter(
    (name) => isListed(name) && (group === "" ? !name.includes(" ") : name.startsWith(`${group} `)),
  );
  const failure = cliErrors["unknown-command"](path, suggest(path, known));
  const parent = group === "" ? "berth" : `berth ${group}`;
  const usage = group === "" ? "" : `Usage:  ${parent}\n\n`;
  writeText(
    2,
    `berth: ${printable(failure.message)}\n\n${usage}Run '${parent} --help' for more information\nHint: ${failure.hint ?? ""}\n`,
  );
  return 1;
}

async function showTopic(
  words: readonly string[],
  argv: readonly string[],
  connection: ConnectionFlags,
): Promise<number> {
  const path = words.join(" ");
  if (words.length > 0 && !Object.hasOwn(groups, path) && !Object.hasOwn(commandLoaders, path)) {
    const status = await tryPlugin(words[0] ?? "", argv, connection);
    if (status !== undefined) return status;
    // The first words may be a topic all the same.
    if (words.length > 1) return showTopic(words.slice(0, -1), argv, connection);
    writeText(2, `unknown help topic: ${printable(path)}\n`);
    return 1;
  }
  return showHelp(path);
}

async function showHelp(path: string, descriptor: 1 | 2 = 1): Promise<number> {
  const { helpFor } = await import("./overview.ts");
  writeText(descriptor, await helpFor(path));
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
    const mistyped = /^unknown flag: --(.+)$/.exec(errorMessage(error))?.[1];
    if (mistyped !== undefined) {
      const { suggest } = await import("./suggest.ts");
      const meant = suggest(mistyped, Object.keys(command.flags));
      if (meant !== undefined) writeText(2, `Hint: Did you mean "--${meant}"?\n`);
    }
    return exitCodeOf(error);
  }
  if (parsed.wantsHelp) {
    if (parsed.wantsHelp === "shorthand") warnOfShortHelp();
    const [{ renderHelp }, { outputColumns }] = await Promise.all([
      import("./help.ts"),
      import("./terminal/terminal.ts"),
    ]);
    writeText(1, renderHelp(command, path, outputColumns()));
    return 0;
  }
  const { min = 0, max = 0 } = command.operands ?? {};
  if (parsed.operands.length < min || parsed.operands.length > max) {
    if (command.countProblem !== undefined) {
      writeText(2, `${command.countProblem(parsed.operands.length)}\n`);
      return 1;
    }
    const { operandProblem, renderUsage } = await import("./help.ts");
    const problem = operandProblem(command, path, parsed.operands.length) ?? "";
    const verb = max === Number.POSITIVE_INFINITY ? "See" : "Run";
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
    let status: number;
    try {
      status = (await command.run(context, parsed.values, parsed.operands, parsed.given)) ?? 0;
    } catch (error) {
      printFailure(error);
      status = exitCodeOf(error);
    }
    if (status !== 0 && client !== undefined && toldFailures().length > 0) {
      const { explain, unexplained } = await import("./missing-names.ts");
      const failures = toldFailures().flatMap((message) => unexplained(message) ?? []);
      if (failures.length > 0) await explain(client, failures);
    }
    return status;
  } finally {
    client?.close();
  }
}
