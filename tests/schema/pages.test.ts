import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { commandLoaders } from "../../src/cli/command-table.ts";
import { commandsPage, idleFlagNotes, isRefused, listedCommands, ownCommands, ownFlags } from "./commands-page.ts";
import { idleRows } from "./field-states.ts";
import { fieldsPage } from "./fields-page.ts";

const root = join(import.meta.dir, "../..");
const page = (name: string) => readFileSync(join(root, `docs/${name}.md`), "utf8");
const commands = await listedCommands();

test("docs/api-fields.md and docs/commands.md are what `bun scripts/document-endpoints.ts` writes", async () => {
  expect(page("api-fields")).toBe(fieldsPage());
  expect(page("commands")).toBe(await commandsPage());
});

test("every remark is about something that is there", () => {
  expect(idleRows()).toEqual([]);
  expect(idleFlagNotes(commands)).toEqual([]);
});

/** Flags that a source reads, or takes apart: `{ all, quiet }`. */
function namesRead(source: string): ReadonlySet<string> {
  const names = [
    ...source.matchAll(/(?:flags|values|options|given)\??\.(\w+)/g),
    ...source.matchAll(/(?:flags|values|options|given)\??\["([^"]+)"\]/g),
    ...source.matchAll(/\bhas\("([^"]+)"\)/g),
  ].map(([, name = ""]) => name);
  for (const [, inner = ""] of source.matchAll(/\{([^{}();]*)\}\s*(?:=\s*flags|[,:)])/g))
    names.push(...inner.split(",").map((name) => name.trim()));
  return new Set(names);
}

test("every flag that a command declares is read by somebody", () => {
  const folder = join(root, "src/cli");
  const files = [...new Glob("**/*.ts").scanSync(folder)].filter((file) => !file.endsWith(".test.ts"));
  const namesIn = new Map(files.map((file) => [file, namesRead(readFileSync(join(folder, file), "utf8"))] as const));
  const elsewhere = new Set(
    files.filter((file) => !file.startsWith("commands/")).flatMap((file) => [...(namesIn.get(file) ?? [])]),
  );
  const isRead = (path: string, name: string) => {
    const file = /commands\/[\w-]+\.ts/.exec(String(commandLoaders[path]))?.[0] ?? "";
    return elsewhere.has(name) || namesIn.get(file)?.has(name) === true;
  };
  const idle = commands
    .filter((listed) => !isRefused(listed))
    .flatMap(({ path, command }) =>
      Object.entries(command.flags)
        .filter(([name, { aliasOf }]) => aliasOf === undefined && !isRead(path, name))
        .map(([name]) => `${path} --${name}`),
    );
  // Refused by their names, or said to have no effect.
  expect(idle).toEqual([
    "builder history ls --no-trunc",
    "buildx inspect --bootstrap",
    "buildx ls --no-trunc",
    "container start --checkpoint",
    "container start --checkpoint-dir",
    "image build --compress",
  ]);
});

/** The rows of a table of tab-separated values, without its head. */
function rowsOf(name: string): string[][] {
  return readFileSync(join(root, `../shared/reference/${name}.tsv`), "utf8")
    .split("\n")
    .slice(1)
    .filter((line) => line !== "")
    .map((line) => line.replace(/\r$/, "").split("\t"));
}

test.skipIf(!existsSync(join(root, "../shared/reference/cli-flags.tsv")))(
  "what is called Berth's own is not docker's, and the rest is",
  () => {
    const pathOf = (command = "") => command.replace(/^docker ?/, "");
    const paths = new Set(rowsOf("cli-commands").map(([command]) => pathOf(command)));
    const dockers = new Set(rowsOf("cli-flags").map(([command, flag = ""]) => `${pathOf(command)} ${flag}`));
    // `docker build` is the plugin's where that is installed.
    for (const [, flag = ""] of rowsOf("buildx-build-flags")) dockers.add(`image build ${flag}`);
    for (const path of ownCommands) expect(paths.has(path)).toBe(false);
    const problems = commands
      // The table has no rows for the flags of swarms' commands, nor for those of the plugin.
      .filter((listed) => paths.has(listed.path) && !isRefused(listed))
      .flatMap(({ path, command }) =>
        Object.entries(command.flags).flatMap(([name, { hidden, aliasOf, deprecated }]) => {
          const isOwn = (ownFlags[path] ?? []).includes(name);
          const isHidden = hidden === true || aliasOf !== undefined || deprecated !== undefined;
          return isOwn === dockers.has(`${path} --${name}`) && !isHidden ? [`${path} --${name}`] : [];
        }),
      );
    expect(problems).toEqual([]);
  },
);
