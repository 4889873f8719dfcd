import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { cliErrors } from "../errors.ts";
import { isTerminal } from "../terminal/terminal.ts";
import { csvFields } from "../flags/csv-fields.ts";
import { readPairs } from "./pairs.ts";

/** Where an output goes here: a directory that is filled, a file, or standard output. */
export type OutputPlace =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "standard-output" }
  /** `docker load` after the build: the archive goes to this daemon's store, which is where images are anyway. */
  | undefined;

/** One `--output`. */
export type BuildOutput = {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly place: OutputPlace;
};

const toFiles = new Set(["local", "tar", "oci", "docker"]);

/** Reads the outputs; without any, the image goes into the store. */
export function readOutputs(flags: {
  readonly output: readonly string[];
  readonly push: boolean;
  readonly load: boolean;
  readonly annotation: readonly string[];
}): readonly BuildOutput[] {
  const outputs = flags.output.map(readOutput);
  const images = () => outputs.filter(({ type }) => ["image", "registry", "docker", "oci"].includes(type));
  if (flags.push) {
    if (images().length === 0) outputs.push({ type: "image", attributes: { push: "true" }, place: undefined });
    else {
      for (const [index, output] of outputs.entries()) {
        if (output.type !== "image") continue;
        outputs[index] = { ...output, attributes: { ...output.attributes, push: "true" } };
      }
      if (!outputs.some(({ type }) => type === "image" || type === "registry")) {
        outputs.push({ type: "registry", attributes: {}, place: undefined });
      }
    }
  }
  if (
    flags.load &&
    !outputs.some(({ type, place }) => type === "image" || (type === "docker" && place === undefined))
  ) {
    outputs.push({ type: "image", attributes: {}, place: undefined });
  }
  if (outputs.length === 0) outputs.push({ type: "image", attributes: {}, place: undefined });
  const annotations = readAnnotations(flags.annotation);
  if (Object.keys(annotations).length === 0) return outputs;
  return outputs.map((output) =>
    output.type === "local" || output.type === "tar"
      ? output
      : { ...output, attributes: { ...annotations, ...output.attributes } },
  );
}

function readOutput(text: string): BuildOutput {
  const fields = csvFields("output", text);
  const [only = ""] = fields;
  // One word is a place: "-" an archive on standard output, anything else a directory.
  if (fields.length === 1 && !only.startsWith("type=") && !only.includes("=")) {
    return only === "-"
      ? { type: "tar", attributes: {}, place: standardOutput() }
      : { type: "local", attributes: {}, place: directoryPlace(only) };
  }
  const pairs = readPairs("output", text);
  const type = pairs.get("type");
  if (type === undefined) throw cliErrors["bad-option"]("type is required for output");
  pairs.delete("type");
  const destination = pairs.get("dest");
  pairs.delete("dest");
  const attributes = Object.fromEntries(pairs);
  if (!toFiles.has(type)) {
    if (destination !== undefined) throw cliErrors["bad-option"](`dest is not supported for ${type} exporter`);
    return { type, attributes, place: undefined };
  }
  const isTree = type === "local" || attributes["tar"] === "false";
  if (destination === undefined) {
    if (type === "docker") return { type: "image", attributes, place: undefined };
    if (isTree) throw cliErrors["bad-option"](`dest is required for ${type} exporter`);
    return { type, attributes, place: standardOutput() };
  }
  if (destination === "-") return { type, attributes, place: standardOutput() };
  return { type, attributes, place: isTree ? directoryPlace(destination) : filePlace(destination) };
}

function standardOutput(): OutputPlace {
  if (isTerminal(1)) {
    throw cliErrors["bad-option"](
      "dest file is required, the output is an archive and standard output is a terminal: redirect it, or give dest=FILE",
    );
  }
  return { kind: "standard-output" };
}

function directoryPlace(path: string): OutputPlace {
  if (existsSync(path) && !statSync(path).isDirectory()) {
    throw cliErrors["bad-option"](`destination directory ${path} is a file`);
  }
  return { kind: "directory", path: resolve(path) };
}

function filePlace(path: string): OutputPlace {
  if (existsSync(path) && statSync(path).isDirectory()) {
    throw cliErrors["bad-option"](`destination file ${path} is a directory`);
  }
  return { kind: "file", path: resolve(path) };
}

/** `[LEVEL[,LEVEL…][[PLATFORM]]:]KEY=VALUE` → the exporters' options. */
function readAnnotations(specs: readonly string[]): Readonly<Record<string, string>> {
  const options: Record<string, string> = {};
  for (const spec of specs) {
    const match =
      /^(?:((?:(?:manifest|index|manifest-descriptor|index-descriptor)(?:\[[^\]]+\])?,?)+):)?([^=:[\]]+)=(.*)$/s.exec(
        spec,
      );
    if (match === null) throw cliErrors["bad-option"](`invalid annotation ${JSON.stringify(spec)}: expected key=value`);
    const [, levels = "manifest", key = "", value = ""] = match;
    for (const level of levels.split(",").filter(Boolean)) options[`annotation-${level}.${key}`] = value;
  }
  return options;
}
