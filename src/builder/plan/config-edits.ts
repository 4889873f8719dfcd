import { posix } from "node:path";
import type { ContainerConfig } from "#formats";
import { SyntaxFault } from "../parse/fault.ts";
import type { CommandLine, Instruction } from "../parse/instruction.ts";
import { parseExposedPorts } from "../parse/ports.ts";
import { isSignal } from "../parse/signals.ts";
import { plainList, quotedHealth, quotedList } from "./history.ts";

/** Instructions that change nothing but the image's config. */
export type ConfigInstruction = Exclude<
  Instruction,
  { readonly kind: "from" | "arg" | "run" | "copy" | "add" | "maintainer" }
>;

export type Expander = {
  readonly word: (word: string) => string;
  readonly words: (word: string) => readonly string[];
};

/** Linux's default when nothing else is said. */
const defaultShell: readonly string[] = ["/bin/sh", "-c"];

/** The shell that shell forms are wrapped in. */
export function shellOf(config: ContainerConfig): readonly string[] {
  return config.Shell === null || config.Shell === undefined || config.Shell.length === 0 ? defaultShell : config.Shell;
}

/** The argument list of a command: as given, or the shell's with the text last. */
export function commandWords(command: CommandLine, config: ContainerConfig): string[] {
  return command.form === "exec" ? [...command.words] : [...shellOf(config), ...command.words];
}

export type ConfigEdit = {
  readonly config: ContainerConfig;
  /** What history shows after "#(nop)". */
  readonly text: string;
  readonly notes: readonly string[];
  /** True after a CMD with words: an ENTRYPOINT of the same stage then leaves it alone. */
  readonly commandSet: boolean;
};

/** Applies one instruction; the config given stays as it is. Throws `SyntaxFault` for values that make no sense. */
export function editConfig(
  before: ContainerConfig,
  instruction: ConfigInstruction,
  expand: Expander,
  commandSet: boolean,
  dialect: "classic" | "buildkit" = "classic",
): ConfigEdit {
  const isBuildkit = dialect === "buildkit";
  const edit = (change: Partial<ContainerConfig>, text: string, notes: readonly string[] = []): ConfigEdit => ({
    config: { ...before, ...change },
    text,
    notes,
    commandSet,
  });
  switch (instruction.kind) {
    case "env": {
      const pairs = instruction.pairs.map(({ name, value }) => `${expand.word(name)}=${expand.word(value)}`);
      return edit({ Env: setEnvironment(before.Env ?? [], pairs) }, `ENV ${pairs.join(" ")}`);
    }
    case "label": {
      const pairs = instruction.pairs.map(({ name, value }) => [expand.word(name), expand.word(value)] as const);
      const Labels = { ...before.Labels, ...Object.fromEntries(pairs) };
      return edit({ Labels }, `LABEL ${pairs.map(([name, value]) => `${name}=${value}`).join(" ")}`);
    }
    case "cmd": {
      const Cmd = commandWords(instruction.command, before);
      const result = edit({ Cmd, ...(isBuildkit ? { ArgsEscaped: true } : {}) }, `CMD ${quotedList(Cmd)}`);
      return { ...result, commandSet: commandSet || instruction.command.words.length > 0 };
    }
    case "entrypoint": {
      const isEmpty = instruction.command.words.length === 0;
      const Entrypoint = isEmpty ? null : commandWords(instruction.command, before);
      const change = { Entrypoint, ...(commandSet ? {} : { Cmd: null }) };
      return edit(change, `ENTRYPOINT ${quotedList(Entrypoint ?? [])}`);
    }
    case "shell":
      return edit({ Shell: [...instruction.words] }, `SHELL ${plainList(instruction.words)}`);
    case "workdir": {
      const path = expand.word(instruction.path);
      // BuildKit stays where it is when nothing is left of the path.
      const WorkingDir = resolveWorkdir(before.WorkingDir ?? "", isBuildkit && path === "" ? "." : path);
      return edit({ WorkingDir }, `WORKDIR ${WorkingDir}`);
    }
    case "user": {
      const User = expand.word(instruction.user);
      return edit({ User }, `USER ${User}`);
    }
    case "expose": {
      const words = instruction.ports.flatMap((port) => expand.words(port));
      const ports = words.flatMap(parseExposedPorts);
      if (ports.length === 0) throw new SyntaxFault("EXPOSE requires at least one argument");
      const all = [...new Set([...Object.keys(before.ExposedPorts ?? {}), ...ports])].sort();
      const shown = isBuildkit ? `[${ports.toSorted().join(" ")}]` : words.join(" ");
      return edit({ ExposedPorts: Object.fromEntries(all.map((port) => [port, {}])) }, `EXPOSE ${shown}`);
    }
    case "volume": {
      const paths = instruction.paths.map((path) => expand.word(path));
      if (paths.includes("")) throw new SyntaxFault("VOLUME specified can not be an empty string");
      const all = [...new Set([...Object.keys(before.Volumes ?? {}), ...paths])].sort();
      return edit({ Volumes: Object.fromEntries(all.map((path) => [path, {}])) }, `VOLUME ${plainList(paths)}`);
    }
    case "healthcheck": {
      const old = before.Healthcheck?.Test ?? [];
      const note =
        old.length > 0 && old[0] !== "NONE" ? [`Note: overriding previous HEALTHCHECK: ${plainList(old)}`] : [];
      return edit({ Healthcheck: instruction.health }, `HEALTHCHECK ${quotedHealth(instruction.health)}`, note);
    }
    case "stopsignal": {
      const StopSignal = expand.word(instruction.signal);
      if (!isSignal(StopSignal)) throw new SyntaxFault(`invalid signal: ${StopSignal}`);
      return edit({ StopSignal }, `STOPSIGNAL ${StopSignal}`);
    }
    case "onbuild":
      break;
  }
  return edit({ OnBuild: [...(before.OnBuild ?? []), instruction.trigger] }, `ONBUILD ${instruction.trigger}`);
}

/** Sets variables in place, keeping the order of those that are there. */
function setEnvironment(before: readonly string[], pairs: readonly string[]): string[] {
  const after = [...before];
  for (const pair of pairs) {
    const name = pair.slice(0, pair.indexOf("=") + 1);
    const at = after.findIndex((entry) => entry.startsWith(name) || `${entry}=` === name);
    if (at === -1) after.push(pair);
    else after[at] = pair;
  }
  return after;
}

/** The directory after a WORKDIR: relative ones start at the directory before. */
export function resolveWorkdir(before: string, path: string): string {
  if (path === "") throw new SyntaxFault("cannot normalize nothing");
  const joined = path.startsWith("/") ? posix.normalize(path) : posix.join("/", before, path);
  return joined.length > 1 ? joined.replace(/\/+$/, "") : joined;
}
