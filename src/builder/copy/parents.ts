import { compilePattern, hasWildcards, matchesPattern } from "#formats";
import { fromByteString, toByteString } from "#linux";
import { joinPath, partsOf, resolveInTree, type SourceEntry, type SourceTree } from "../context/tree.ts";
import type { Missing } from "./selection.ts";

/**
 * A source of `COPY --parents` as a tree that holds what it names and the folders above, down from the root or from where
 * the path says "/./". Only files a path without patterns names must exist.
 */
export function parentsTree(tree: SourceTree, source: string): SourceTree | Missing {
  const pivot = source.indexOf("/./");
  const base = partsOf(pivot === -1 ? "" : source.slice(0, pivot)).join("/");
  const wanted = partsOf(pivot === -1 ? source : source.slice(pivot + 3)).join("/");
  const top = resolveInTree(tree, toByteString(base));
  const isPattern = hasWildcards(wanted) || hasWildcards(base);
  if (top === undefined) return isPattern ? emptyTree(tree) : { missing: base };
  if (!isPattern && resolveInTree(tree, joinPath(top.path, toByteString(wanted))) === undefined) {
    return { missing: joinPath(base, wanted) };
  }
  const pattern = compilePattern(wanted === "" ? "**" : wanted, { deep: true, place: "COPY --parents" });
  const isNamed = (path: string) => matchesPattern(pattern, fromByteString(path), { orParent: true });
  return filteredTree(tree, top, isNamed);
}

function filteredTree(tree: SourceTree, top: SourceEntry, isNamed: (path: string) => boolean): SourceTree {
  const originals = new WeakMap<SourceEntry, SourceEntry>();
  const original = (entry: SourceEntry) => originals.get(entry) ?? entry;
  const inside = (entry: SourceEntry): SourceEntry => {
    const path = top.path === "" ? entry.path : entry.path.slice(top.path.length + 1);
    const shown = { ...entry, path };
    originals.set(shown, entry);
    return shown;
  };
  const children = (path: string) => tree.list(below(top.path, path)).map(inside);
  /** A folder counts when it is named, or something in it is. */
  const isWanted = (entry: SourceEntry): boolean =>
    isNamed(entry.path) || (entry.type === "directory" && children(entry.path).some(isWanted));
  return {
    find: (path) => {
      const entry = tree.find(below(top.path, path));
      if (entry === undefined) return undefined;
      const shown = inside(entry);
      return path === "" || isWanted(shown) ? shown : undefined;
    },
    list: (path) => children(path).filter(isWanted),
    digest: (entry) => tree.digest(original(entry)),
    open: (entry) => tree.open(original(entry)),
    close: () => {},
  };
}

function below(folder: string, path: string): string {
  return path === "" ? folder : joinPath(folder, path);
}

function emptyTree(tree: SourceTree): SourceTree {
  const root = tree.find("");
  return {
    find: (path) => (path === "" ? root : undefined),
    list: () => [],
    digest: (entry) => tree.digest(entry),
    open: (entry) => tree.open(entry),
    close: () => {},
  };
}
