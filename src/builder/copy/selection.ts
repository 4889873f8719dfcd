import { createHash } from "node:crypto";
import { posix } from "node:path";
import { compileIgnoreRules, compilePattern, hasWildcards, type IgnoreRules, matchesPattern } from "#formats";
import { fromByteString, toByteString } from "#linux";
import { baseName, joinPath, partsOf, resolveInTree, type SourceEntry, type SourceTree } from "../context/tree.ts";

/** One source of a COPY, found. */
export type Selected = {
  /** What it is, links followed. */
  readonly entry: SourceEntry;
  /** The name a file gets inside a destination folder: the last part as the user wrote or the pattern matched it. */
  readonly name: string;
};

/** A source as Go's `filepath.Clean` writes it. */
export function cleanSource(source: string): string {
  const clean = posix.normalize(source);
  return clean.length > 1 ? clean.replace(/\/+$/, "") : clean;
}

/** Why a source could not be found. */
export type Missing = { readonly missing: string };

/**
 * Finds what a source of COPY or ADD names. A plain path must exist; a pattern may match nothing. Both start at the root of
 * the tree and cannot leave it; a link they name is followed, links inside a copied folder are not.
 */
export function selectSource(tree: SourceTree, source: string): readonly Selected[] | Missing {
  const path = partsOf(source).join("/");
  if (!hasWildcards(path)) {
    const bytes = toByteString(path.replace(/\\(.)/gu, "$1"));
    const entry = resolveInTree(tree, bytes);
    return entry === undefined ? { missing: path === "" ? "." : path } : [{ entry, name: baseName(bytes) }];
  }
  const parts = path.split("/");
  const last = parts.pop() ?? "";
  // Up to the first pattern links are followed, as in a plain path.
  const first = parts.findIndex(hasWildcards);
  const literal = parts.splice(0, first === -1 ? parts.length : first).join("/");
  const top = resolveInTree(tree, toByteString(literal.replace(/\\(.)/gu, "$1")));
  if (top?.type !== "directory") return [];
  let folders = [top.path];
  for (const part of parts)
    folders = folders.flatMap((folder) => expandPart(tree, folder, part).filter(isFolder(tree)));
  return folders
    .flatMap((folder) => expandPart(tree, folder, last))
    .map((match) => ({ entry: resolveInTree(tree, match), name: baseName(match) }))
    .filter((found): found is Selected => found.entry !== undefined);
}

function isFolder(tree: SourceTree): (path: string) => boolean {
  return (path) => tree.find(path)?.type === "directory";
}

function expandPart(tree: SourceTree, folder: string, part: string): string[] {
  if (!hasWildcards(part)) {
    const path = joinPath(folder, toByteString(part.replace(/\\(.)/gu, "$1")));
    return tree.find(path) === undefined ? [] : [path];
  }
  const pattern = compilePattern(part, { deep: false, place: "COPY or ADD" });
  return tree
    .list(folder)
    .map((entry) => entry.path)
    .filter((path) => matchesPattern(pattern, fromByteString(baseName(path))));
}

/** Rules of `--exclude`, relative to each source folder. */
export function excludeRules(patterns: readonly string[]): IgnoreRules {
  return compileIgnoreRules(patterns, "--exclude");
}

/**
 * Calls back with an entry and everything below it, parents first. `relative` is the path below the entry, "" for
 * itself. Excluded entries are left out; a folder that is excluded but holds something wanted is kept.
 */
export async function walkSelected(
  tree: SourceTree,
  top: SourceEntry,
  excludes: IgnoreRules,
  visit: (entry: SourceEntry, relative: string) => Promise<void> | undefined,
): Promise<void> {
  const walk = async (entry: SourceEntry, relative: string): Promise<void> => {
    const pending = visit(entry, relative);
    if (pending !== undefined) await pending;
    if (entry.type !== "directory") return;
    for (const child of tree.list(entry.path)) {
      const path = joinPath(relative, baseName(child.path));
      if (!isWanted(tree, child, path, excludes)) continue;
      if (child.type === "directory") await walk(child, path);
      else {
        const visited = visit(child, path);
        if (visited !== undefined) await visited;
      }
    }
  };
  if (top.type !== "directory" && excludes.ignores(fromByteString(baseName(top.path)))) return;
  await walk(top, "");
}

function isWanted(tree: SourceTree, entry: SourceEntry, relative: string, excludes: IgnoreRules): boolean {
  if (!excludes.ignores(fromByteString(relative))) return true;
  if (entry.type !== "directory" || !excludes.mayKeepBelow(fromByteString(relative))) return false;
  return tree
    .list(entry.path)
    .some((child) => isWanted(tree, child, joinPath(relative, baseName(child.path)), excludes));
}

/** Files of one step that are noted by name. */
const maximumNoted = 1000;

/** How a digest shows in history: Docker's prefixes. */
export type ContentDigest = { readonly kind: "file" | "dir" | "multi"; readonly hex: string };

/**
 * The digest of selected sources: names, types, modes, owners, link targets, attributes and bytes, but no times, so
 * that a fresh checkout of the same files is the same.
 * @param keepsOwner whether owners will be copied; only then do they count
 */
export async function digestSelection(
  tree: SourceTree,
  sources: readonly Selected[],
  options: {
    readonly excludes: IgnoreRules;
    readonly keepsOwner: boolean;
    /** Gets every file's path and digest, as long as they are few. */
    readonly files?: Map<string, string> | undefined;
  },
): Promise<ContentDigest> {
  const note = (member: SourceEntry, head: string, hex: string) => {
    const { files } = options;
    if (files === undefined || files.size >= maximumNoted) return;
    files.set(fromByteString(member.path) || ".", `${hex.slice(0, 16)}.${Bun.hash(head).toString(36)}`);
  };
  const hash = createHash("sha256");
  for (const { entry, name } of sources) {
    hash.update(`source\0${entry.type === "directory" ? "" : name}\0`);
    await walkSelected(tree, entry, options.excludes, (member, relative) => {
      const head = describe(member, relative, options.keepsOwner);
      if (member.type !== "file") {
        hash.update(head, "latin1");
        return undefined;
      }
      const digest = tree.digest(member);
      if (typeof digest !== "string") {
        return digest.then((hex) => {
          note(member, head, hex);
          hash.update(`${head}${hex}\0`, "latin1");
        });
      }
      note(member, head, digest);
      hash.update(`${head}${digest}\0`, "latin1");
      return undefined;
    });
  }
  const [first] = sources;
  const kind =
    sources.length !== 1 || first === undefined ? "multi" : first.entry.type === "directory" ? "dir" : "file";
  return { kind, hex: hash.digest("hex") };
}

/** Everything about an entry that a copy keeps, but its bytes. */
function describe(member: SourceEntry, relative: string, keepsOwner: boolean): string {
  const owner = keepsOwner ? `${member.uid}:${member.gid}` : "";
  // A top folder's own mode is not copied, so it does not count.
  const meta = relative === "" && member.type === "directory" ? "" : `${member.mode.toString(8)}\0${owner}`;
  let text = `${relative}\0${member.type}\0${meta}\0${member.linkTarget}\0${member.deviceMajor}:${member.deviceMinor}\0`;
  for (const [attribute, value] of [...member.attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    text += `${attribute}=${value.toString("hex")}\0`;
  }
  return text;
}
