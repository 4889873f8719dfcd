import type { Client } from "#client";
import { type CommandContext, type CompletionKind, defineCommand } from "../command.ts";
import type { ValueSource } from "../completion/flag-values.ts";
import type { Flag } from "../flags/flag.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

type Candidate = readonly [word: string, description: string];
type NamedFlags = Readonly<Record<string, Flag>>;

/** The names of objects that could stand at an operand. */
async function objectNames(context: CommandContext, kind: CompletionKind): Promise<Candidate[]> {
  if (kind === "file") return [[":file", ""]];
  if (kind === "context") {
    const { listContexts } = await import("../contexts/store.ts");
    return [
      ["default", ""],
      ...listContexts().map(({ Name, Metadata }) => [Name, Metadata.Description ?? ""] as const),
    ];
  }
  const client: Client = context.client;
  if (kind === "container" || kind === "running-container") {
    const containers = await client.containers.list({ all: kind === "container" });
    return containers.map(({ Names, Image, Status }) => [(Names[0] ?? "").replace(/^\//, ""), `${Image}, ${Status}`]);
  }
  if (kind === "image") {
    return (await client.images.list()).flatMap(({ RepoTags }) => (RepoTags ?? []).map((tag) => [tag, ""] as const));
  }
  if (kind === "network") return (await client.networks.list()).map(({ Name, Driver }) => [Name, Driver]);
  return ((await client.volumes.list()).Volumes ?? []).map(({ Name, Driver }) => [Name, Driver]);
}

function flagCandidates(flags: NamedFlags): Candidate[] {
  return Object.entries({ ...flags, help: { description: "Print usage" } as Flag })
    .filter(([, flag]) => flag.hidden !== true && flag.aliasOf === undefined)
    .map(([name, flag]) => [`--${name}`, flag.description.split("\n")[0] ?? ""]);
}

/** The flag a word names that still needs a value: "--name", "-n" or the last letter of "-itn". */
function pendingFlag(flags: NamedFlags, word: string): string | undefined {
  if (!word.startsWith("-") || word.includes("=")) return undefined;
  const name = word.startsWith("--")
    ? word.slice(2)
    : Object.keys(flags).find((each) => flags[each]?.short === word.at(-1));
  const flag = name === undefined ? undefined : flags[name];
  return flag === undefined || flag.kind === "boolean" ? undefined : name;
}

/** Walks over complete words: how many operands there are, and which flag waits for its value. */
function walk(flags: NamedFlags, words: readonly string[]): { operands: number; waiting: string | undefined } {
  let operands = 0;
  let waiting: string | undefined;
  for (const word of words) {
    if (waiting !== undefined) waiting = undefined;
    else if (word === "-" || !word.startsWith("-")) operands++;
    else waiting = pendingFlag(flags, word);
  }
  return { operands, waiting };
}

async function fromSource(context: CommandContext, source: ValueSource | undefined, prefix = ""): Promise<Candidate[]> {
  if (source === undefined) return [];
  const found =
    typeof source === "string" ? await objectNames(context, source) : source.map((word) => [word, ""] as const);
  return found.map(([word, description]) => [word.startsWith(":") ? word : prefix + word, description]);
}

async function pluginCandidates(own: ReadonlySet<string>): Promise<Candidate[]> {
  const [{ findPlugins }, { describePlugin }] = await Promise.all([
    import("../plugins/find-plugins.ts"),
    import("../plugins/plugin-metadata.ts"),
  ]);
  const plugins = await Promise.all(
    findPlugins()
      .filter(({ name }) => !own.has(name))
      .map(describePlugin),
  );
  return plugins.flatMap(({ name, metadata }) =>
    metadata === undefined || metadata.Hidden === true ? [] : [[name, metadata.ShortDescription ?? ""] as const],
  );
}

async function offeredByPlugin(
  context: CommandContext,
  [name = "", ...words]: readonly string[],
): Promise<Candidate[]> {
  const [{ findPlugin }, { completeWithPlugin }] = await Promise.all([
    import("../plugins/find-plugins.ts"),
    import("../plugins/plugin-completion.ts"),
  ]);
  const plugin = findPlugin(name);
  return plugin === undefined ? [] : completeWithPlugin(plugin, words, context.connection);
}

/** Leaves out the flags before the command; what they need may be what is typed. */
async function skipGlobalFlags(words: readonly string[]) {
  const { globalFlags } = await import("../global-flags.ts");
  const flags: NamedFlags = globalFlags;
  let start = 0;
  while (start < words.length - 1 && (words[start] ?? "").startsWith("-")) {
    const waiting = pendingFlag(flags, words[start] ?? "");
    if (waiting !== undefined && start + 1 === words.length - 1) return { flags, waiting, rest: [] };
    start += waiting === undefined ? 1 : 2;
  }
  return { flags, waiting: undefined, rest: words.slice(start) };
}

async function candidates(context: CommandContext, words: readonly string[]): Promise<Candidate[]> {
  // Loaded here: the table names this file.
  const { commandLoaders, groups, hiddenCommands, hiddenGroups } = await import("../command-table.ts");
  const { valuesOf } = await import("../completion/flag-values.ts");
  const global = await skipGlobalFlags(words);
  if (global.waiting !== undefined) return fromSource(context, valuesOf("", global.waiting));
  const { rest } = global;
  const typed = rest.at(-1) ?? "";
  if (rest.length <= 1 && typed.startsWith("-")) return flagCandidates(global.flags);
  // The longest group the words name, then what is in it.
  let path = "";
  let length = 0;
  while (length < rest.length - 1 && Object.hasOwn(groups, `${path} ${rest[length] ?? ""}`.trim())) {
    path = `${path} ${rest[length] ?? ""}`.trim();
    length++;
  }
  if (length === rest.length - 1) {
    const prefix = path === "" ? "" : `${path} `;
    const paths = [...Object.keys(commandLoaders), ...Object.keys(groups)].filter(
      (each) =>
        each.startsWith(prefix) &&
        each !== path &&
        !each.slice(prefix.length).includes(" ") &&
        !hiddenCommands.has(each) &&
        !hiddenGroups.has(each),
    );
    const summarize = async (each: string): Promise<Candidate> => [
      each.slice(prefix.length),
      groups[each] ?? (await commandLoaders[each]?.())?.command.summary ?? "",
    ];
    const plugins = path === "" ? await pluginCandidates(new Set(paths)) : [];
    const own = await Promise.all(paths.filter((each) => each.slice(prefix.length).startsWith(typed)).map(summarize));
    return [...own, ...plugins];
  }
  path = `${path} ${rest[length] ?? ""}`.trim();
  const command = (await commandLoaders[path]?.())?.command;
  if (command === undefined) return offeredByPlugin(context, rest);
  const { operands, waiting } = walk(command.flags, rest.slice(length + 1, -1));
  if (waiting !== undefined) return fromSource(context, valuesOf(path, waiting));
  if (typed.startsWith("-") && (operands === 0 || command.stopAtOperand !== true)) {
    const equals = /^--([\w-]+)=/.exec(typed);
    if (equals !== null) return fromSource(context, valuesOf(path, equals[1] ?? ""), equals[0]);
    return flagCandidates(command.flags);
  }
  const kind = command.completes?.(operands);
  return kind === undefined ? [[":file", ""]] : objectNames(context, kind);
}

export const command = defineCommand({
  summary: "List the words that may come next (for completion scripts)",
  synopsis: "[WORD...]",
  operands: { max: Number.POSITIVE_INFINITY },
  stopAtOperand: true,
  neverStartsDaemon: true,
  flags: {},
  async run(context, _flags, words) {
    const typed = words.at(-1) ?? "";
    let found: Candidate[] = [];
    try {
      found = await candidates(context, words);
    } catch {
      // A daemon that is away has no names; a shell in the middle of a line must see no error.
    }
    for (const [word, description] of found) {
      if (word.startsWith(typed) || word === ":file")
        writeText(1, `${printableLine(word)}\t${printableLine(description)}\n`);
    }
  },
});
