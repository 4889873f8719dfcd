import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandLoaders, groups } from "./command-table.ts";
import { globalFlags } from "./global-flags.ts";
import { readDeclarations } from "./refused/declare.ts";
import { refusedPaths } from "./refused/paths.ts";

const reference = join(import.meta.dir, "../../../shared/reference");
const commandsFile = join(reference, "cli-commands.tsv");
const flagsFile = join(reference, "cli-flags.tsv");

/** The rows of a table of tab-separated values, without its head. */
function rowsOf(file: string): string[][] {
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.replace(/\r$/, "").split("\t"))
    .filter(([first]) => first !== undefined && first !== "");
}

/** What docker has and this command has not, each with its reason. */
const missingCommands: Readonly<Record<string, string>> = {
  bake: "belongs to the builder's own plug-in, which `docker bake` only calls",
};
const missingFlags: Readonly<Record<string, string>> = {};

const withoutDocker = (command: string) => command.replace(/^docker ?/, "");

describe.skipIf(!existsSync(commandsFile))("every command and flag of docker", () => {
  test("has a command of the same name", () => {
    const known = new Set([...Object.keys(commandLoaders), ...Object.keys(groups), ""]);
    const missing = rowsOf(commandsFile)
      .map(([command = ""]) => withoutDocker(command))
      // One row names several aliases at once.
      .filter((path) => !path.includes(" / "))
      .filter((path) => !known.has(path) && missingCommands[path] === undefined);
    expect(missing).toEqual([]);
    for (const path of Object.keys(missingCommands)) expect(known.has(path)).toBe(false);
  });

  test("has the aliases of lists and removals", () => {
    const aliases = "container list,container ps,image list,network list,network remove,volume list,volume remove";
    const more = "container remove,image remove,context list,context remove,checkpoint list,checkpoint remove";
    const missing = `${aliases},${more}`.split(",").filter((path) => commandLoaders[path] === undefined);
    expect(missing).toEqual([]);
  });

  test("has every flag, with its letter", async () => {
    const problems: string[] = [];
    for (const [command = "", name = "", , , short = ""] of rowsOf(flagsFile)) {
      const path = withoutDocker(command);
      const flags = path === "" ? globalFlags : (await commandLoaders[path]?.())?.command.flags;
      const key = `${path} ${name}`;
      // Help is every command's.
      if (name === "--help" || missingFlags[key] !== undefined || missingCommands[path] !== undefined) continue;
      const flag = (flags as Record<string, { short?: string }> | undefined)?.[name.slice(2)];
      if (flag === undefined) problems.push(`${key} is missing`);
      else if ((flag.short ?? "") !== short.replace("-", ""))
        problems.push(`${key} has the letter "${flag.short ?? ""}"`);
    }
    expect(problems).toEqual([]);
  });
});

describe("refused commands", () => {
  test("are declared and named once", () => {
    const paths = Object.entries(refusedPaths).flatMap(([group, names]) =>
      names.split(" ").map((name) => `${group} ${name}`),
    );
    expect([...readDeclarations().keys()].sort()).toEqual(paths.sort());
  });

  test("take the operands their synopsis shows", () => {
    const declared = readDeclarations();
    expect(declared.get("trust inspect")?.operands).toEqual({ min: 1, max: Number.POSITIVE_INFINITY });
    expect(declared.get("volume update")?.operands).toEqual({ min: 0, max: 1 });
    expect(declared.get("plugin upgrade")?.operands).toEqual({ min: 1, max: 2 });
  });
});

test("every command that is listed can be loaded", async () => {
  for (const [path, load] of Object.entries(commandLoaders)) {
    const { command } = await load();
    expect(`${path}: ${command.summary}`).toMatch(/: \S/);
  }
});
