import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeText } from "../output/write.ts";

/** Proxies of one daemon, or of all (`default`): what `run` and `build` hand to containers as variables. */
export type ProxySettings = {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly ftpProxy?: string;
  readonly noProxy?: string;
  readonly allProxy?: string;
};

/**
 * What Docker's `config.json` may say and the commands heed, credentials apart; whatever else it holds is kept when it is
 * written.
 */
export type ConfigFile = {
  readonly currentContext?: string;
  readonly detachKeys?: string;
  readonly HttpHeaders?: Readonly<Record<string, string>>;
  readonly psFormat?: string;
  readonly imagesFormat?: string;
  readonly networksFormat?: string;
  readonly volumesFormat?: string;
  readonly statsFormat?: string;
  readonly pluginsFormat?: string;
  readonly pruneFilters?: readonly string[];
  readonly proxies?: Readonly<Record<string, ProxySettings>>;
  readonly cliPluginsExtraDirs?: readonly string[];
  /** `builder` may stand for a plugin, `buildx` usually; docker knows no other. */
  readonly aliases?: Readonly<Record<string, string>>;
};

const files = new Map<string, ConfigFile>();

/** Where configuration, credentials and contexts are kept: Docker's own directory, unless BERTH_CONFIG says otherwise. */
export function defaultConfigDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return environment["BERTH_CONFIG"] || environment["DOCKER_CONFIG"] || join(environment["HOME"] || "/", ".docker");
}

let chosenDirectory: string | undefined;

/** `--config`: counts for everything this process does. */
export function useConfigDirectory(directory: string): void {
  chosenDirectory = directory;
}

export function configDirectory(): string {
  return chosenDirectory ?? defaultConfigDirectory();
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The file as it is; undefined when there is none. Throws what reading or parsing throws. */
export function readRawConfig(directory: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(join(directory, "config.json"), "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
  const value: unknown = text.trim() === "" ? {} : JSON.parse(text);
  if (!isPlainObject(value)) throw new Error("it does not hold an object");
  return value;
}

/** The configuration of this user; a file that cannot be read is told once and counts as empty, as for docker. */
export function readConfig(directory = configDirectory()): ConfigFile {
  const known = files.get(directory);
  if (known !== undefined) return known;
  let config: ConfigFile = {};
  try {
    config = readRawConfig(directory) ?? {};
  } catch (error) {
    const path = join(directory, "config.json");
    // Go's word for a text that stops in the middle.
    const isCut = error instanceof SyntaxError && !readFileSync(path, "utf8").trimEnd().endsWith("}");
    const reason = isCut ? "unexpected EOF" : (error as Error).message;
    writeText(2, `WARNING: Error parsing config file (${path}): ${reason}\n`);
  }
  files.set(directory, config);
  return config;
}

/** Drops what was read, after the file was written. */
export function forgetConfig(directory: string): void {
  files.delete(directory);
}
