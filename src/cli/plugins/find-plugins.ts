import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { cliErrors } from "../errors.ts";
import { configDirectory, readConfig } from "../configuration/config-file.ts";

/** A program that adds a command: `docker-NAME` or `berth-NAME` in a directory of plugins. */
export type PluginFile = {
  readonly name: string;
  readonly path: string;
  /** The same name in directories that come later. */
  readonly shadowed: readonly string[];
};

/** Where Docker's packages put plugins (docker/cli: cli-plugins/manager, manager_unix.go). */
const systemDirectories = [
  "/usr/local/lib/docker/cli-plugins",
  "/usr/local/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
];

/** In docker's order: those of the configuration, the user's own, the system's. */
function pluginDirectories(): readonly string[] {
  return [...(readConfig().cliPluginsExtraDirs ?? []), join(configDirectory(), "cli-plugins"), ...systemDirectories];
}

/** What a command may be called. */
const pluginName = /^(?:docker|berth)-([a-z][a-z0-9]*)$/;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function programsIn(directory: string): readonly { readonly name: string; readonly path: string }[] {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch {
    return []; // most of them do not exist
  }
  return entries.flatMap((entry) => {
    const name = pluginName.exec(entry)?.[1];
    const path = join(directory, entry);
    return name !== undefined && isProgram(path) ? [{ name, path }] : [];
  });
}

/** Every plugin there is, by name. In one directory `berth-NAME` comes before `docker-NAME`, since it is meant for us. */
export function findPlugins(): readonly PluginFile[] {
  const found = new Map<string, string[]>();
  for (const directory of pluginDirectories()) {
    for (const { name, path } of programsIn(directory).toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      const paths = found.get(name);
      if (paths === undefined) found.set(name, [path]);
      else paths.push(path);
    }
  }
  return [...found]
    .map(([name, [path = "", ...shadowed]]) => ({ name, path, shadowed }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The words a command stands for: `bake` for the one of buildx, and what `aliases` in the configuration puts in the place
 * of `builder`, the only one docker allows.
 */
export function aliasOf(name: string): readonly string[] {
  const aliases = readConfig().aliases ?? {};
  const other = Object.keys(aliases).find((each) => each !== "builder");
  if (other !== undefined) throw cliErrors["alias-not-allowed"](other);
  if (name === "bake") return ["buildx", "bake"];
  return [name === "builder" ? (aliases["builder"] ?? name) : name];
}

/** The plugin of a name, if there is one. */
export function findPlugin(name: string): PluginFile | undefined {
  // A name from the command line: most are mistyped, and no directory need be read for what cannot be one.
  return pluginName.test(`docker-${name}`) ? findPlugins().find((plugin) => plugin.name === name) : undefined;
}
