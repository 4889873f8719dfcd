import { lstatSync, mkdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { basename, dirname, join, posix, resolve } from "node:path";
import type { Client, PathStat } from "#client";
import { packTree } from "../archive/pack.ts";
import { unpackTree } from "../archive/unpack.ts";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { type CopyProgress, showCopyProgress } from "../output/copy-progress.ts";
import { writeBytes } from "../output/write.ts";
import { isTerminal } from "../terminal/terminal.ts";
import { readStandardInput } from "../streams/standard-input.ts";

type Place = { readonly container: string; readonly path: string };

/** `CONTAINER:PATH`; a local path is told by a leading slash or dot, or by having no colon. */
function parsePlace(text: string): Place {
  if (text.startsWith("/") || text.startsWith(".")) return { container: "", path: text };
  const colon = text.indexOf(":");
  return colon < 0 ? { container: "", path: text } : { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

// Go's fs.FileMode bits, which X-Docker-Container-Path-Stat carries.
const goDirectory = 2 ** 31;
const goSymlink = 2 ** 27;
const isDirectoryMode = (mode: number) => Math.floor(mode / goDirectory) % 2 === 1;
const isSymlinkMode = (mode: number) => Math.floor(mode / goSymlink) % 2 === 1;

const endsWithSeparator = (path: string) => path.endsWith("/");
/** "dir/." stands for what is in the directory. */
const meansContent = (path: string) => /(?:^|\/)\.$/.test(path);

type Target = {
  readonly path: string;
  readonly exists: boolean;
  readonly isDirectory: boolean;
};

type Plan = {
  /** Where the archive is unpacked. */
  readonly directory: string;
  /** What its first segment is called there; undefined leaves it. */
  readonly name: string | undefined;
};

/** Decides where a source goes, by the rules of cp(1) as docker has them. */
function planCopy(source: { path: string; isDirectory: boolean; base: string }, target: Target): Plan {
  if (target.exists && target.isDirectory) {
    if (source.isDirectory && meansContent(source.path)) return { directory: target.path, name: "." };
    return { directory: target.path, name: source.base };
  }
  if (target.exists) {
    if (source.isDirectory) throw cliErrors["bad-option"]("cannot copy directory");
    return { directory: dirname(target.path), name: basename(target.path) };
  }
  if (endsWithSeparator(target.path) && !source.isDirectory) throw cliErrors["bad-option"]("no such directory");
  const plain = target.path.replace(/\/+$/, "");
  return { directory: dirname(plain), name: basename(plain) };
}

async function statInContainer(client: Client, container: string, path: string): Promise<PathStat | undefined> {
  try {
    return await client.containers.statPath(container, path);
  } catch (error) {
    if ((error as { kind?: string }).kind === "not-found") return undefined;
    throw error;
  }
}

async function copyFrom(
  client: Client,
  source: Place,
  destination: string,
  flags: CopyFlags,
  progress: CopyProgress | undefined,
): Promise<void> {
  let { path } = source;
  if (flags["follow-link"]) {
    const stat = await statInContainer(client, source.container, path);
    if (stat !== undefined && isSymlinkMode(stat.mode)) path = posix.resolve(posix.dirname(path), stat.linkTarget);
  }
  const { stat, tar, response } = await client.containers.readArchive(source.container, path);
  if (destination === "-") {
    for await (const chunk of tar) await writeBytes(1, chunk);
    return;
  }
  try {
    const status = statSync(destination, { throwIfNoEntry: false });
    const plan = planCopy(
      { path, isDirectory: isDirectoryMode(stat.mode), base: stat.name },
      {
        path: endsWithSeparator(destination) ? `${resolve(destination)}/` : resolve(destination),
        exists: status !== undefined,
        isDirectory: status?.isDirectory() ?? false,
      },
    );
    if (statSync(plan.directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw cliErrors["bad-option"](`invalid output path: directory "${plan.directory}" does not exist`);
    }
    // The content of a directory comes without the directory's own name.
    const isContent = meansContent(path) || stat.name === "/" || stat.name === ".";
    const directory = isContent ? join(plan.directory, plan.name ?? ".") : plan.directory;
    if (isContent) mkdirSync(directory, { recursive: true });
    const rename = isContent || plan.name === stat.name ? undefined : plan.name;
    await unpackTree(progress?.count(tar) ?? tar, realpathSync(directory), { rename, keepOwners: flags.archive });
  } catch (error) {
    response.cancel();
    throw error;
  }
}

async function copyTo(
  client: Client,
  source: string,
  destination: Place,
  flags: CopyFlags,
  progress: CopyProgress | undefined,
): Promise<void> {
  let target = destination.path.startsWith("/") ? destination.path : `/${destination.path}`;
  let stat = await statInContainer(client, destination.container, target);
  if (stat !== undefined && isSymlinkMode(stat.mode)) {
    target = posix.resolve(posix.dirname(target), stat.linkTarget);
    stat = await statInContainer(client, destination.container, target);
  }
  const send = (tar: AsyncIterable<Uint8Array>, directory: string) =>
    client.containers.writeArchive(destination.container, directory, progress?.count(tar) ?? tar, {
      copyOwnership: flags.archive,
    });
  if (source === "-") {
    if (stat === undefined || !isDirectoryMode(stat.mode)) {
      throw cliErrors["bad-option"](`destination "${destination.container}:${destination.path}" must be a directory`);
    }
    return send(readStandardInput(), target);
  }
  let path = source;
  let status: Stats;
  try {
    status = lstatSync(path);
    if (status.isSymbolicLink() && (flags["follow-link"] || endsWithSeparator(path))) {
      path = realpathSync(path);
      status = lstatSync(path);
    }
  } catch {
    throw cliErrors["bad-option"](`lstat ${resolve(source)}: no such file or directory`);
  }
  const absolute = resolve(path);
  const plan = planCopy(
    { path: source, isDirectory: status.isDirectory(), base: basename(absolute) },
    { path: target, exists: stat !== undefined, isDirectory: stat !== undefined && isDirectoryMode(stat.mode) },
  );
  const name = plan.name === "." || plan.name === undefined ? "" : plan.name;
  return send(packTree(absolute === "/" ? "" : absolute, name), plan.directory);
}

type CopyFlags = { readonly archive: boolean; readonly "follow-link": boolean };

export const command = defineCommand({
  summary: "Copy files/folders between a container and the local filesystem",
  details:
    "Copy files/folders between a container and the local filesystem\n\nUse '-' as the source to read a tar archive from stdin\nand extract it to a directory destination in a container.\nUse '-' as the destination to stream a tar archive of a\ncontainer source to stdout.",
  synopsis: ["[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-", "[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH"],
  aliases: ["container cp", "cp"],
  operands: { min: 2, max: 2 },
  completes: () => "file",
  examples: [
    ["A file out of a container", "berth cp web:/etc/hosts hosts"],
    ["What is in a directory into a container", "berth cp site/. web:/srv"],
  ],
  flags: {
    archive: flag.boolean("Archive mode (copy all uid/gid information)", { short: "a" }),
    "follow-link": flag.boolean("Always follow symbol link in SRC_PATH", { short: "L" }),
    quiet: flag.boolean(
      "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
      { short: "q" },
    ),
  },
  async run({ client }, flags, [from = "", to = ""]) {
    if (from === "") throw cliErrors["bad-option"]("source can not be empty");
    if (to === "") throw cliErrors["bad-option"]("destination can not be empty");
    const source = parsePlace(from);
    const destination = parsePlace(to);
    if (source.container !== "" && destination.container !== "") {
      throw cliErrors["bad-option"]("copying between containers is not supported");
    }
    if (source.container === "" && destination.container === "") {
      throw cliErrors["bad-option"]("must specify at least one container source");
    }
    const isFromContainer = source.container !== "";
    const toStandardOutput = isFromContainer && to === "-";
    const isShown = !flags.quiet && !toStandardOutput && from !== "-" && isTerminal(2);
    const progress = isShown ? showCopyProgress(isFromContainer ? "from" : "to") : undefined;
    try {
      if (isFromContainer) await copyFrom(client, source, to, flags, progress);
      else await copyTo(client, from, destination, flags, progress);
      progress?.finish(to);
    } finally {
      progress?.stop();
    }
  },
});
