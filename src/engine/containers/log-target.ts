import { join } from "node:path";
import { parseRamBytes } from "#base";
import type { ContainerConfig, HostConfig } from "#formats";
import type { LogTarget } from "#supervisor";
import { errors } from "../errors.ts";

const jsonFileOptions = new Set([
  "max-size",
  "max-file",
  "compress",
  "labels",
  "labels-regex",
  "env",
  "env-regex",
  "tag",
]);

/** Default `--log-opt` of this daemon: bounded, so that a chatty container cannot fill the disk. */
export type LogDefaults = { readonly driver: string; readonly options: Readonly<Record<string, string>> };

/** Where the container's output is written, from `--log-driver` and `--log-opt`; throws on unknown names and values. */
export function logTarget(
  container: { readonly id: string; readonly name: string; readonly directory: string },
  config: ContainerConfig,
  hostConfig: HostConfig,
): LogTarget {
  const driver = hostConfig.LogConfig?.Type ?? "json-file";
  const options = hostConfig.LogConfig?.Config ?? {};
  if (driver === "none") return { driver: "none" };
  if (driver !== "json-file" && driver !== "") throw errors.logDriverUnknown(driver);
  for (const option of Object.keys(options)) {
    if (!jsonFileOptions.has(option)) throw errors.logOptionUnknown(option, "json-file");
  }
  const maxFiles = options["max-file"] === undefined ? 1 : Number(options["max-file"]);
  if (!Number.isInteger(maxFiles) || maxFiles < 1) throw errors.logOptionInvalid("max-file", options["max-file"] ?? "");
  let maxSizeBytes: number | undefined;
  const maxSize = options["max-size"];
  if (maxSize !== undefined && maxSize !== "-1") {
    maxSizeBytes = parseRamBytes(maxSize);
    if (maxSizeBytes === undefined || maxSizeBytes <= 0) throw errors.logOptionInvalid("max-size", maxSize);
  }
  if (maxFiles > 1 && maxSizeBytes === undefined) throw errors.logOptionInvalid("max-file", "max-size is not set");
  const compress = options["compress"];
  if (compress !== undefined && !["true", "false", "1", "0"].includes(compress)) {
    throw errors.logOptionInvalid("compress", compress);
  }
  return {
    driver: "json-file",
    path: join(container.directory, `${container.id}-json.log`),
    maxSizeBytes,
    maxFiles,
    compress: compress === "true" || compress === "1",
    attributes: logAttributes(container, config, options),
  };
}

function pattern(option: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw errors.logOptionInvalid(option, text);
  }
}

/** `labels`, `env` (lists of keys or regular expressions) and `tag` as extra attributes of each record. */
function logAttributes(
  container: { readonly id: string; readonly name: string },
  config: ContainerConfig,
  options: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const attributes: Record<string, string> = {};
  const select = (
    entries: Iterable<readonly [string, string]>,
    keys: string | undefined,
    expression: string | undefined,
    option: string,
  ) => {
    const wanted = new Set((keys ?? "").split(",").filter((key) => key !== ""));
    const matcher = expression === undefined ? undefined : pattern(option, expression);
    for (const [key, value] of entries) if (wanted.has(key) || matcher?.test(key) === true) attributes[key] = value;
  };
  select(Object.entries(config.Labels ?? {}), options["labels"], options["labels-regex"], "labels-regex");
  const environment = (config.Env ?? []).map((entry): [string, string] => {
    const at = entry.indexOf("=");
    return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  select(environment, options["env"], options["env-regex"], "env-regex");
  const tag = options["tag"];
  if (tag !== undefined && tag !== "") {
    attributes["tag"] = tag
      .replaceAll(/\{\{\s*\.ID\s*\}\}/g, container.id.slice(0, 12))
      .replaceAll(/\{\{\s*\.FullID\s*\}\}/g, container.id)
      .replaceAll(/\{\{\s*\.Name\s*\}\}/g, container.name)
      .replaceAll(/\{\{\s*\.ImageName\s*\}\}/g, config.Image ?? "");
  }
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}
