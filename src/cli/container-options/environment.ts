import { readFileSync } from "node:fs";
import { cliErrors } from "../errors.ts";

function readLines(path: string): string[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    const { code } = error as { code?: string };
    throw cliErrors["file-unreadable"](path, code === "ENOENT" ? "no such file or directory" : (code ?? "unreadable"));
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw cliErrors["bad-option"](`env file ${path} contains invalid utf8 bytes`);
  }
  return text.replace(/^\u{feff}/u, "").split(/\r?\n/);
}

/** `KEY=value` lines of a file; `KEY` alone takes its value from `lookup`, and is dropped when there is none. */
export function readKeyValueFile(path: string, lookup: (name: string) => string | undefined): string[] {
  const entries: string[] = [];
  for (const raw of readLines(path)) {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    const name = equals < 0 ? line.trimEnd() : line.slice(0, equals);
    if (name === "")
      throw cliErrors["bad-option"](`invalid environment file (${path}): no variable name on line '${line}'`);
    if (/\s/.test(name.trimStart()) || name !== name.trimStart()) {
      throw cliErrors["bad-option"](`invalid environment file (${path}): variable '${name}' contains whitespaces`);
    }
    if (equals >= 0) entries.push(`${name}=${line.slice(equals + 1)}`);
    else {
      const value = lookup(name);
      if (value !== undefined) entries.push(`${name}=${value}`);
    }
  }
  return entries;
}

/**
 * The variables of `--env-file` and `--env`, files first. `--env NAME` takes the value from our own environment; a
 * name that is not set there is passed alone, which unsets it.
 */
export function readEnvironment(
  variables: readonly string[],
  files: readonly string[],
  own: NodeJS.ProcessEnv = process.env,
): string[] {
  const fromFiles = files.flatMap((path) => readKeyValueFile(path, (name) => own[name]));
  const given = variables.map((variable) => {
    if (variable.includes("=")) return variable;
    const value = own[variable];
    return value === undefined ? variable : `${variable}=${value}`;
  });
  return [...fromFiles, ...given];
}

/** What is wrong with one `--env`. */
export function environmentProblem(variable: string): string | undefined {
  return variable === "" || variable.startsWith("=") ? `invalid environment variable: ${variable}` : undefined;
}
