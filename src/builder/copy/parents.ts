import { compilePattern, hasWildcards, matchesPattern } from "#formats";
import { fromByteString, toByteString } from "#linux";
import { joinPath, partsOf, resolveInTree, type SourceEntry, type SourceTree } from "../context/tree.ts";
import { type Missing, selectSource } from "./selection.ts";

/**
 * A source of `COPY --parents` as trees that hold what it names and the folders above, down from the root or from where
 * the path says "/./": one tree for each folder that the part before matches. Only what a path without patterns names
 * must exist.
 */
export function parentsTrees(tree: SourceTree, source: string): readonly SourceTree[] | Missing {
  const pivot = source.indexOf("/./");
  const base = partsOf(pivot === -1 ? "" : source.slice(0, pivot)).join("/");
  const wanted = partsOf(pivot === -1 ? source : source.slice(pivot + 3)).join("/");
  const tops = selectSource(tree, base);
  const isPattern = hasWildcards(wanted) || hasWildcards(base);
  if ("missing" in tops) return isPattern ? [] : { missing: base };
  const pattern = compilePattern(wanted === "" ? "**" : wanted, { deep: true, place: "COPY --parents" });
  const isNamed = (path: string) => matchesPattern(pattern, fromByteString(path), { orParent: true });
  const trees: SourceTree[] = [];
  for (const { entry: top } of tops) {
    if (!isPattern && resolveInTree(tree, joinPath(top.path, toByteString(wanted))) === undefined) {
      return { missing: joinPath(base, wanted) };
    }
    trees.push(filteredTree(tree, top, isNamed));
  }
  return trees;
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
