import type { Command } from "../../src/cli/command.ts";
import { commandLoaders, hiddenCommands } from "../../src/cli/command-table.ts";
import { globalFlags } from "../../src/cli/global-flags.ts";
import { refusedPaths } from "../../src/cli/refused/paths.ts";

/** Commands that docker does not have. */
export const ownCommands: ReadonlySet<string> = new Set([
  "builder mounts export",
  "builder mounts import",
  "builder mounts ls",
  "image bootstrap",
  "registry htpasswd",
  "registry serve",
  "system check",
]);

/** Flags that docker's command of the same name does not have. */
export const ownFlags: Readonly<Record<string, readonly string[]>> = {
  "image build": ["cpus", "explain"],
  "image push": ["compression"],
};

/** Flags that are not simply in force: command, flags, what is said. The first row that fits counts. */
const flagNotes: readonly (readonly [commands: RegExp, flags: readonly string[], note: string])[] = [
  [
    /^(?:image (?:build|pull|push)|container (?:create|run))$/,
    ["disable-content-trust"],
    "`=false` is refused: Notary has been retired",
  ],
  [/^image build$/, ["compress"], "no effect, as with docker's plugin: only what has changed is sent"],
  [/^image build$/, ["policy"], "refused: nothing here applies one"],
  [/^image build$/, ["security-opt"], "refused: `RUN --security` and `--allow security.insecure` say it"],
  [/^(?:image build|buildx inspect|builder )/, ["builder"], "`default`: the daemon is the builder"],
  [/^buildx inspect$/, ["bootstrap"], "no effect: the builder is the daemon, which answers"],
  [/^(?:builder history|buildx) ls$/, ["no-trunc"], "no effect: nothing is cut"],
  [/^builder history ls$/, ["local"], "refused: records do not say which repository they are of"],
  [/^image build$/, ["squash"], "refused: layers are what the cache is made of"],
  [/^(?:image build|container (?:create|run))$/, ["isolation"], "`default`; the others are Windows's"],
  [/^container (?:create|run)$/, ["cpu-count", "cpu-percent"], "dropped with Docker's warning: Windows's"],
  [/^container (?:create|run)$/, ["io-maxbandwidth", "io-maxiops"], "refused in Docker's words: Windows's"],
  [
    /^container (?:create|run|update)$/,
    ["kernel-memory"],
    "no effect, as with Docker: the kernel has no such limit any more",
  ],
  [/^container start$/, ["checkpoint", "checkpoint-dir"], "refused: needs CRIU"],
];

const swarm = "answers as docker does with a daemon outside a swarm";
const refusals: Readonly<Record<string, string>> = {
  checkpoint: "refused as by a daemon without experimental features: needs CRIU",
  config: swarm,
  node: swarm,
  plugin: "refused: no managed plugins",
  secret: swarm,
  service: swarm,
  stack: swarm,
  swarm,
  trust: "refused: Notary has been retired",
  volume: `${swarm}: cluster volumes only`,
};

/** What becomes of a flag; undefined: it is in force. */
export function flagNote(path: string, name: string): string | undefined {
  return flagNotes.find(([commands, names]) => commands.test(path) && names.includes(name))?.[2];
}

/** Rows of `flagNotes` that no flag has. */
export function idleFlagNotes(commands: readonly ListedCommand[]): readonly string[] {
  return flagNotes.flatMap(([pattern, names]) =>
    names
      .filter((name) => !commands.some(({ path, command }) => pattern.test(path) && command.flags[name] !== undefined))
      .map((name) => `${pattern} --${name}`),
  );
}

/** A command under its longest name, with the other ways to call it. */
export type ListedCommand = { readonly path: string; readonly others: readonly string[]; readonly command: Command };

const refused = new Set(
  Object.entries(refusedPaths).flatMap(([group, names]) => names.split(" ").map((name) => `${group} ${name}`)),
);

export function isRefused({ path }: ListedCommand): boolean {
  return refused.has(path);
}

/** Every command there is. */
export async function listedCommands(): Promise<readonly ListedCommand[]> {
  const byLoader = new Map<unknown, string[]>();
  for (const [path, load] of Object.entries(commandLoaders)) {
    if (path.startsWith("__")) continue;
    byLoader.set(load, [...(byLoader.get(load) ?? []), path]);
  }
  const listed = await Promise.all(
    [...byLoader.values()].map(async ([first = "", ...rest]): Promise<ListedCommand> => {
      const paths = [first, ...rest];
      // "container run" before "run", "image build" before the words of docker's plugin, "ls" before "list".
      const rank = (path: string) =>
        (path.includes(" ") ? 0 : 4) +
        (/^build(?:x|er) build|^buildx|^b$/.test(path) ? 2 : 0) +
        (/(?:list|remove|ps)$/.test(path) ? 1 : 0);
      const [path = "", ...others] = paths.toSorted((one, other) => rank(one) - rank(other));
      const load = commandLoaders[path];
      if (load === undefined) throw new Error(`no command ${path}`);
      return { path, others, command: (await load()).command };
    }),
  );
  return listed.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

function flagsOf(path: string, flags: Command["flags"], own: readonly string[]): string {
  const inForce: string[] = [];
  const noted: string[] = [];
  for (const [name, flag] of Object.entries(flags).toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const shown = `\`${flag.short === undefined ? "" : `-${flag.short} `}--${name}\`${own.includes(name) ? " (Berth's own)" : ""}`;
    const note =
      flagNote(path, name) ??
      (flag.aliasOf === undefined ? undefined : `is \`--${flag.aliasOf}\``) ??
      (flag.deprecated === undefined ? undefined : `deprecated: ${flag.deprecated}`);
    if (note === undefined) inForce.push(shown);
    else noted.push(`${shown}: ${note}`);
  }
  return [inForce.join(", "), ...noted].filter((part) => part !== "").join("<br>");
}

function row(listed: ListedCommand): string {
  const { path, others, command } = listed;
  const names = `\`${path}\`${others.map((other) => `<br>\`${other}\``).join("")}`;
  const state = isRefused(listed)
    ? (refusals[path.split(" ")[0] ?? ""] ?? "")
    : ownCommands.has(path)
      ? "Berth's own"
      : hiddenCommands.has(path)
        ? "full, not listed"
        : "full";
  const flags = isRefused(listed)
    ? Object.keys(command.flags)
        .toSorted()
        .map((name) => `\`--${name}\``)
        .join(" ")
    : flagsOf(path, command.flags, ownFlags[path] ?? []);
  return `| ${names} | ${state} | ${flags} |`.replaceAll("||", "\\|\\|");
}

/** The text of docs/commands.md. */
export async function commandsPage(): Promise<string> {
  const commands = await listedCommands();
  return `# The command, flag by flag

Made by \`bun scripts/document-endpoints.ts\` from the declarations of the commands (\`src/cli/commands\`, \`src/cli/refused\`); tests hold it against them, them
against the tables of docker's commands and flags where those lie beside the checkout, and see that every flag that is declared is read.

*full*: does what docker's does. Flags without a remark are in force. Every command has \`--help\`. A command that is not carried out takes its flags and
operands all the same, checks them as docker does, and then says why not.

Before the command: ${flagsOf("", globalFlags, [])}.

| command | state | flags |
|---|---|---|
${commands.map(row).join("\n")}

## Left out

- \`bake\`: calls Docker's buildx plugin, where it is installed, as \`docker bake\` does.
- Commands of plugins that are not installed (\`compose\`, \`scout\`, …); those that are run ([plugins](command-line.md#plugins)).
`;
}
