import { commandLoaders, groups, hiddenCommands, hiddenGroups, mainCommands } from "./command-table.ts";
import { cliErrors } from "./errors.ts";
import { globalFlags } from "./global-flags.ts";
import { renderFlags, renderHelp } from "./help.ts";
import { printableLine } from "./output/printable.ts";
import { outputColumns } from "./terminal/terminal.ts";

async function summaries(paths: readonly string[]): Promise<string> {
  const commands = await Promise.all(
    paths.map(async (path) => (await commandLoaders[path]?.())?.command.summary ?? ""),
  );
  const names = paths.map((path) => path.split(" ").at(-1) ?? path);
  const width = Math.max(10, ...names.map((name) => name.length)) + 2;
  return names.map((name, index) => `  ${name.padEnd(width)}${commands[index]}\n`).join("");
}

/** Name and summary of each group, those of plugins among them with a star, as docker marks them. */
function groupLines(entries: readonly (readonly [name: string, summary: string])[]): string {
  const width = Math.max(10, ...entries.map(([name]) => name.length)) + 2;
  return entries.map(([name, summary]) => `  ${name.padEnd(width)}${summary}\n`).join("");
}

function groupEntries(parent: string): readonly (readonly [string, string])[] {
  const paths = Object.keys(groups).filter(
    (path) =>
      path.startsWith(parent) &&
      path !== parent.trim() &&
      !path.slice(parent.length).includes(" ") &&
      (parent !== "" || !hiddenGroups.has(path)),
  );
  return paths.map((path) => [path.slice(parent.length), groups[path] ?? ""] as const);
}

/** The plugins whose commands are not ours anyway; what is no plugin is told below the list, as docker does. */
async function pluginSummaries(): Promise<{
  readonly entries: readonly (readonly [string, string])[];
  readonly invalid: string;
}> {
  const [{ findPlugins }, { describePlugin }] = await Promise.all([
    import("./plugins/find-plugins.ts"),
    import("./plugins/plugin-metadata.ts"),
  ]);
  const added = findPlugins().filter(
    ({ name }) => !Object.hasOwn(groups, name) && !Object.hasOwn(commandLoaders, name),
  );
  const plugins = await Promise.all(added.map(describePlugin));
  const problems = plugins.flatMap(({ name, problem }) => (problem === undefined ? [] : [[name, problem] as const]));
  return {
    entries: plugins.flatMap(({ name, metadata }) =>
      metadata === undefined || metadata.Hidden === true
        ? []
        : [[`${name}*`, printableLine(metadata.ShortDescription ?? "")] as const],
    ),
    invalid:
      problems.length === 0
        ? ""
        : `\nInvalid Plugins:\n${groupLines(problems.map(([name, problem]) => [name, printableLine(problem)]))}`,
  };
}

async function overview(): Promise<string> {
  const hidden = new Set([...hiddenCommands, ...mainCommands]);
  const plugins = await pluginSummaries();
  const management = [...groupEntries(""), ...plugins.entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const others = Object.keys(commandLoaders).filter((path) => !path.includes(" ") && !hidden.has(path));
  return `Usage:  berth [OPTIONS] COMMAND

Builds images and runs containers

Common Commands:
${await summaries(mainCommands)}
Management Commands:
${groupLines(management)}
Commands:
${await summaries(others.sort())}${plugins.invalid}
Global Options:
${renderFlags(globalFlags, outputColumns())}
Run 'berth COMMAND --help' for more information on a command.
`;
}

/** Help for the program (""), a group or a command. */
export async function helpFor(path: string): Promise<string> {
  if (path === "") return overview();
  if (Object.hasOwn(groups, path)) {
    // A group lists each command once, under its main name.
    const has = (name: string) => Object.hasOwn(commandLoaders, `${path} ${name}`);
    const aliases = new Set<string>();
    if (has("ls")) aliases.add(`${path} list`);
    if (has("rm")) aliases.add(`${path} remove`);
    if (path === "container") aliases.add("container ps");
    const paths = Object.keys(commandLoaders).filter(
      (name) =>
        name.startsWith(`${path} `) &&
        !name.slice(path.length + 1).includes(" ") &&
        !aliases.has(name) &&
        !hiddenCommands.has(name),
    );
    const inner = groupLines(groupEntries(`${path} `));
    return `Usage:  berth ${path} COMMAND

${groups[path]}
${inner === "" ? "" : `\nManagement Commands:\n${inner}`}
Commands:
${await summaries(paths.sort())}
Run 'berth ${path} COMMAND --help' for more information on a command.
`;
  }
  const load = commandLoaders[path];
  if (load === undefined) throw cliErrors["unknown-command"](path);
  return renderHelp((await load()).command, path, outputColumns());
}
