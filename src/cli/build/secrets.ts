import { existsSync, readFileSync } from "node:fs";
import { cliErrors } from "../errors.ts";
import { readPairs } from "./pairs.ts";

/** As much as BuildKit's clients send. */
const limitBytes = 500 * 1024;

/** `--secret id=ID[,src=FILE][,env=NAME][,type=file|env]` → ids to values, base64. Never said anywhere else. */
export function readSecrets(specs: readonly string[]): Readonly<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const spec of specs) {
    const pairs = readPairs("secret", spec);
    const known = new Set(["id", "src", "source", "env", "type"]);
    for (const name of pairs.keys()) {
      if (!known.has(name)) throw cliErrors["bad-option"](`unexpected key '${name}' in '${spec}'`);
    }
    const id = pairs.get("id");
    if (id === undefined || id === "") throw cliErrors["bad-option"]("secret missing ID");
    const value = valueOf(id, pairs);
    if (value.length > limitBytes) {
      throw cliErrors["bad-option"](`secret ${id} is larger than ${limitBytes / 1024} KB`);
    }
    secrets[id] = value.toString("base64");
  }
  return secrets;
}

function valueOf(id: string, pairs: ReadonlyMap<string, string>): Buffer {
  const type = pairs.get("type");
  if (type !== undefined && type !== "file" && type !== "env") {
    throw cliErrors["bad-option"](`unsupported secret type ${JSON.stringify(type)}`);
  }
  const source = pairs.get("src") ?? pairs.get("source");
  const variable = pairs.get("env") ?? (type === "env" ? (source ?? id) : undefined);
  if (variable !== undefined) {
    const value = process.env[variable];
    if (value === undefined) throw cliErrors["bad-option"](`secret ${id}: the variable ${variable} is not set`);
    return Buffer.from(value);
  }
  // Without a source: the variable of that name, else the file.
  if (source === undefined && type === undefined) {
    const value = process.env[id];
    if (value !== undefined) return Buffer.from(value);
  }
  const path = source ?? id;
  if (!existsSync(path)) throw cliErrors["file-unreadable"](path, "ENOENT");
  return readFileSync(path);
}
