import type { Client } from "#client";
import { type Command, type CompletionKind, defineCommand } from "../command.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

type Candidate = readonly [word: string, description: string];

/** The names of objects that could stand at an operand. */
async function objectNames(client: Client, kind: CompletionKind): Promise<Candidate[]> {
  if (kind === "container" || kind === "running-container") {
    const containers = await client.containers.list({ all: kind === "container" });
    return containers.map(({ Names, Image, Status }) => [(Names[0] ?? "").replace(/^\//, ""), `${Image}, ${Status}`]);
  }
  if (kind === "image") {
    return (await client.images.list()).flatMap(({ RepoTags }) => (RepoTags ?? []).map((tag) => [tag, ""] as const));
  }
  if (kind === "context") {
    const { listContexts } = await import("../contexts/store.ts");
    return [
      ["default", ""],
      ...listContexts().map(({ Name, Metadata }) => [Name, Metadata.Description ?? ""] as const),
    ];
  }
  if (kind === "network") return (await client.networks.list()).map(({ Name, Driver }) => [Name, Driver]);
  if (kind === "volume") return ((await client.volumes.list()).Volumes ?? []).map(({ Name, Driver }) => [Name, Driver]);
  return [[":file", ""]];
}

function flagCandidates(command: Command): Candidate[] {
  return Object.entries(command.flags)
    .filter(([, flag]) => flag.hidden !== true && flag.aliasOf === undefined)
    .map(([name, flag]) => [`--${name}`, flag.description.split("\n")[0] ?? ""]);
}

/** How many operands stand before the word to complete. */
function countOperands(command: Command, words: readonly string[]): number {
  let operands = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (!word.startsWith("-") || word === "-") {
      operands++;
      continue;
    }
    const name = word.replace(/^--?/, "");
    const flag = word.startsWith("--")
      ? command.flags[name]
      : Object.values(command.flags).find(({ short }) => short === name.at(-1));
    if (flag !== undefined && flag.kind !== "boolean" && !word.includes("=")) index++;
  }
  return operands;
}

async function candidates(client: Client, words: readonly string[]): Promise<Candidate[]> {
  // Loaded here: the table names this file.
  const { commandLoaders, groups } = await import("../command-table.ts");
  const [first = "", second = ""] = words;
  const summarize = async (path: string): Promise<Candidate> => [
    path.split(" ").at(-1) ?? path,
    (await commandLoaders[path]?.())?.command.summary ?? groups[path] ?? "",
  ];
  if (words.length <= 1) {
    const paths = [...Object.keys(commandLoaders).filter((path) => !path.includes(" ")), ...Object.keys(groups)];
    return Promise.all(paths.filter((path) => path !== "__complete").map(summarize));
  }
  const isGroup = Object.hasOwn(groups, first);
  if (isGroup && words.length === 2) {
    return Promise.all(
      Object.keys(commandLoaders)
        .filter((path) => path.startsWith(`${first} `))
        .map(summarize),
    );
  }
  const command = (await commandLoaders[isGroup ? `${first} ${second}` : first]?.())?.command;
  if (command === undefined) return [];
  const rest = words.slice(isGroup ? 2 : 1);
  if (rest.at(-1)?.startsWith("-") === true) return flagCandidates(command);
  const kind = command.completes?.(countOperands(command, rest.slice(0, -1)));
  return kind === undefined ? [[":file", ""]] : objectNames(client, kind);
}

export const command = defineCommand({
  summary: "List the words that may come next (for completion scripts)",
  synopsis: "[WORD...]",
  operands: { max: Number.POSITIVE_INFINITY },
  stopAtOperand: true,
  neverStartsDaemon: true,
  flags: {},
  async run({ client }, _flags, words) {
    const typed = words.at(-1) ?? "";
    for (const [word, description] of await candidates(client, words)) {
      if (word.startsWith(typed) || word === ":file")
        writeText(1, `${printableLine(word)}\t${printableLine(description)}\n`);
    }
  },
});
