import { commandLoaders, groups, hiddenCommands, hiddenGroups, mainCommands } from "./command-table.ts";
import { cliErrors } from "./errors.ts";
import { globalFlags } from "./global-flags.ts";
import { renderFlags, renderHelp } from "./help.ts";
import { outputColumns } from "./terminal/terminal.ts";

async function summaries(paths: readonly string[]): Promise<string> {
  const commands = await Promise.all(
    paths.map(async (path) => (await commandLoaders[path]?.())?.command.summary ?? ""),
  );
  const names = paths.map((path) => path.split(" ").at(-1) ?? path);
  const width = Math.max(10, ...names.map((name) => name.length)) + 2;
  return names.map((name, index) => `  ${name.padEnd(width)}${commands[index]}\n`).join("");
}

function groupSummaries(parent: string): string {
  const paths = Object.keys(groups).filter(
    (path) =>
      path.startsWith(parent) &&
      path !== parent.trim() &&
      !path.slice(parent.length).includes(" ") &&
      (parent !== "" || !hiddenGroups.has(path)),
  );
  const width = Math.max(10, ...paths.map((path) => path.length - parent.length)) + 2;
  return paths.map((path) => `  ${path.slice(parent.length).padEnd(width)}${groups[path]}\n`).join("");
}

async function overview(): Promise<string> {
  const hidden = new Set([...hiddenCommands, ...mainCommands]);
  const others = Object.keys(commandLoaders).filter((path) => !path.includes(" ") && !hidden.has(path));
  return `Usage:  berth [OPTIONS] COMMAND

Builds images and runs containers

Common Commands:
${await summaries(mainCommands)}
Management Commands:
${groupSummaries("")}
Commands:
${await summaries(others.sort())}
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
    const inner = groupSummaries(`${path} `);
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
