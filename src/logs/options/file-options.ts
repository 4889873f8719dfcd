import { parseDecimalBytes } from "#base";
import { errors } from "../errors.ts";
import { type LoggedContainer, recordAttributes } from "./attributes.ts";
import { attributeOptions, type LogOptions, parseBoolean, parseInteger, refuseUnknown } from "./values.ts";

/** How a log is kept in files of this host. */
export type LogFileSettings = {
  /** The current file, relative to the container's directory. */
  readonly name: string;
  readonly maxSizeBytes: number | undefined;
  readonly maxFiles: number;
  readonly compress: boolean;
  readonly attributes: Readonly<Record<string, string>> | undefined;
};

const known: ReadonlySet<string> = new Set(["max-size", "max-file", "compress", ...attributeOptions]);

/** `json-file` (moby `daemon/logger/jsonfilelog`): unlimited unless said. */
export function jsonFileSettings(container: LoggedContainer, options: LogOptions): LogFileSettings {
  refuseUnknown("json-file", options, known);
  let maxSizeBytes: number | undefined;
  const size = options["max-size"];
  if (size !== undefined && size !== "-1") {
    maxSizeBytes = parseDecimalBytes(size);
    if (maxSizeBytes === undefined) throw errors.logOptionInvalid(`invalid size: '${size}'`);
    if (maxSizeBytes <= 0) throw errors.logOptionInvalid("max-size must be a positive number");
  }
  const maxFiles = parseInteger(options["max-file"] ?? "1");
  if (maxFiles === undefined) {
    throw errors.logOptionInvalid(`strconv.Atoi: parsing "${options["max-file"]}": invalid syntax`);
  }
  if (maxFiles < 1) throw errors.logOptionInvalid("max-file cannot be less than 1");
  const compress = parseBoolean(options["compress"] ?? "false");
  if (compress === undefined) {
    throw errors.logOptionInvalid(`strconv.ParseBool: parsing "${options["compress"]}": invalid syntax`);
  }
  if (compress && (maxFiles === 1 || maxSizeBytes === undefined)) {
    throw errors.logOptionInvalid("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return {
    name: `${container.id}-json.log`,
    maxSizeBytes,
    maxFiles,
    compress,
    attributes: recordAttributes(container, options),
  };
}

function boundedSettings(options: LogOptions): Pick<LogFileSettings, "maxSizeBytes" | "maxFiles" | "compress"> {
  const size = options["max-size"] ?? "20971520";
  const maxSizeBytes = parseDecimalBytes(size);
  if (maxSizeBytes === undefined) throw errors.logOptionInvalid(`invalid value for max-size: ${size}: invalid size`);
  const count = options["max-file"] ?? "5";
  const maxFiles = parseInteger(count);
  if (maxFiles === undefined) throw errors.logOptionInvalid(`invalid value for max-file: ${count}`);
  if (maxFiles < 0) throw errors.logOptionInvalid("max-file must not be negative");
  const compress = parseBoolean(options["compress"] ?? "true");
  if (compress === undefined) {
    throw errors.logOptionInvalid(`invalid boolean value for compress: "${options["compress"]}"`);
  }
  if (compress && maxFiles <= 1) {
    throw errors.logOptionInvalid("compression cannot be enabled when max file count is 1");
  }
  return { maxSizeBytes: maxSizeBytes === 0 ? undefined : maxSizeBytes, maxFiles: Math.max(maxFiles, 1), compress };
}

/** `local` (moby `daemon/logger/local`): five files of 20 MiB, compressed, unless said. */
export function localSettings(container: LoggedContainer, options: LogOptions): LogFileSettings {
  refuseUnknown("local", options, known);
  return {
    name: "local-logs/container.log",
    ...boundedSettings(options),
    attributes: recordAttributes(container, options),
  };
}

/** What `logs` reads of a container whose driver sends its log elsewhere; `cache-…` options (moby `loggerutils/cache`). */
export function cacheSettings(options: LogOptions): { readonly file: LogFileSettings; readonly readable: boolean } {
  const disabled = options["cache-disabled"] ?? "";
  const isDisabled = disabled === "" ? false : parseBoolean(disabled);
  if (isDisabled === undefined) {
    throw errors.logOptionInvalid(`invalid value for option cache-disabled: ${disabled}`);
  }
  const own = Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) =>
      name.startsWith("cache-") ? [[name.slice("cache-".length), value] as const] : [],
    ),
  );
  return {
    file: { name: "container-cached.log", ...boundedSettings(own), attributes: undefined },
    readable: !isDisabled,
  };
}

/** The options of the cache, which every remote driver takes beside its own. */
export const cacheOptions: ReadonlySet<string> = new Set([
  "cache-disabled",
  "cache-max-size",
  "cache-max-file",
  "cache-compress",
]);
