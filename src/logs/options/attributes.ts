import { errorMessage, formatRfc3339Nano, type Nanoseconds } from "#base";
import { compileTemplate } from "#templates";
import { errors } from "../errors.ts";
import type { LogOptions } from "./values.ts";

/** The container a log is of, as drivers may show it. */
export type LoggedContainer = {
  readonly id: string;
  /** Without a slash. */
  readonly name: string;
  readonly imageId: string;
  /** As the user named it. */
  readonly imageName: string;
  /** Path and arguments of its process. */
  readonly command: readonly string[];
  readonly created: Nanoseconds;
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: readonly string[];
};

/** What `{{.DaemonName}}` of a tag is. */
const daemonName = "berth";

/** Go's syntax where it is not ours: flags for the whole expression, and `(?P<name>…)`. */
function pattern(text: string): RegExp {
  const [, flags = "", rest = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  try {
    return new RegExp(rest.replaceAll("(?P<", "(?<"), flags);
  } catch (error) {
    throw errors.logOptionInvalid(`error parsing regexp: ${errorMessage(error)}`);
  }
}

function environmentOf(container: LoggedContainer): readonly (readonly [string, string])[] {
  return container.environment.flatMap((entry) => {
    const at = entry.indexOf("=");
    return at < 0 ? [] : [[entry.slice(0, at), entry.slice(at + 1)] as const];
  });
}

/** What `labels`, `labels-regex`, `env` and `env-regex` choose (moby `daemon/logger/loginfo.go`, ExtraAttributes). */
export function extraAttributes(
  container: LoggedContainer,
  options: LogOptions,
  keyOf: (key: string) => string = (key) => key,
): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {};
  const select = (entries: readonly (readonly [string, string])[], keys = "", expression = "") => {
    const wanted = new Set(keys.split(",").filter((key) => key !== ""));
    const matcher = expression === "" ? undefined : pattern(expression);
    for (const [key, value] of entries) {
      if (wanted.has(key) || matcher?.test(key) === true) attributes[keyOf(key)] = value;
    }
  };
  select(Object.entries(container.labels), options["labels"], options["labels-regex"]);
  select(environmentOf(container), options["env"], options["env-regex"]);
  return attributes;
}

/** The text of `tag` for one container; the short id where none is given. Throws invalid when it is no template. */
export function logTag(container: LoggedContainer, options: LogOptions, byDefault = "{{.ID}}"): string {
  const source = options["tag"] ? options["tag"] : byDefault;
  if (source === "{{.ID}}") return container.id.slice(0, 12);
  // A loop or a wide column of a client's making must not keep the daemon busy.
  if (/\{\{-?\s*range\b|%[-+ 0#]*\d{4}/.test(source)) throw errors.logOptionInvalid(`invalid log tag: ${source}`);
  const imageId = container.imageId.replace(/^sha256:/, "");
  const text = compileTemplate(source, { malformedPrefix: "", failedPrefix: "" })({
    ID: container.id.slice(0, 12),
    FullID: container.id,
    Name: container.name,
    ImageID: imageId.slice(0, 12),
    ImageFullID: imageId,
    ImageName: container.imageName,
    DaemonName: daemonName,
    Command: container.command.join(" "),
    Config: options,
    ContainerID: container.id,
    ContainerName: `/${container.name}`,
    ContainerEntrypoint: container.command[0] ?? "",
    ContainerArgs: container.command.slice(1),
    ContainerImageID: container.imageId,
    ContainerImageName: container.imageName,
    ContainerCreated: formatRfc3339Nano(container.created),
    ContainerEnv: container.environment,
    ContainerLabels: container.labels,
    ExtraAttributes: () => extraAttributes(container, options),
  });
  // A tag ends up in headers of lines: it is one word of printable text there.
  return text.replaceAll(/[\u0000-\u001f\u007f]/g, "");
}

/** The attributes that files carry with each record; undefined when there are none. */
export function recordAttributes(
  container: LoggedContainer,
  options: LogOptions,
): Readonly<Record<string, string>> | undefined {
  const attributes = { ...extraAttributes(container, options) };
  if (options["tag"]) attributes["tag"] = logTag(container, options);
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}
