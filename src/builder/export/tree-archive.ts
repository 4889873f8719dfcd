import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import { joinPath, type SourceEntry, type SourceTree } from "../context/tree.ts";
import { plainEntry } from "../context/plain-entry.ts";

const chunkBytes = 256 * 1024;

/** A tree as a tar archive: names relative to its root, hard links kept. */
export async function* treeArchive(tree: SourceTree): AsyncGenerator<Uint8Array, void> {
  const first = new Map<string, string>();
  let given = 0;
  for (const entry of walkTree(tree, "")) {
    const linkPath = entry.inodeKey === undefined ? undefined : first.get(entry.inodeKey);
    if (entry.inodeKey !== undefined && linkPath === undefined) first.set(entry.inodeKey, entry.path);
    yield encodeTarHeader({
      ...plainTarHeader({ path: "", type: "file" }),
      path: entry.type === "directory" ? `${entry.path}/` : entry.path,
      type: linkPath === undefined ? entry.type : "hardlink",
      linkPath: linkPath ?? entry.linkTarget,
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      sizeBytes: linkPath === undefined ? entry.sizeBytes : 0,
      mtimeSeconds: entry.mtimeSeconds,
      mtimeNanoseconds: entry.mtimeNanoseconds,
      deviceMajor: entry.deviceMajor,
      deviceMinor: entry.deviceMinor,
      attributes: new Map(entry.attributes),
    });
    if (entry.type !== "file" || linkPath !== undefined) continue;
    const reader = tree.open(entry);
    try {
      // What the header announced is what must follow, whatever became of the file since.
      for (let position = 0; position < entry.sizeBytes;) {
        const buffer = Buffer.alloc(Math.min(chunkBytes, entry.sizeBytes - position));
        const count = reader.read(buffer, position);
        yield count === 0 ? buffer : buffer.subarray(0, count);
        position += count === 0 ? buffer.length : count;
      }
    } finally {
      reader.close();
    }
    const padding = tarPaddingOf(entry.sizeBytes);
    if (padding > 0) yield new Uint8Array(padding);
    if (++given % 64 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  yield tarEnd;
}

/** Everything below a path, each folder before what it holds. */
export function* walkTree(tree: SourceTree, path: string): Generator<SourceEntry> {
  for (const entry of tree.list(path)) {
    yield entry;
    if (entry.type === "directory") yield* walkTree(tree, entry.path);
  }
}

/** A tree with every time set to one, for outputs that must not depend on when they were made. */
export function timedTree(tree: SourceTree, epochSeconds: number): SourceTree {
  const timed = (entry: SourceEntry): SourceEntry => ({
    ...entry,
    mtimeSeconds: epochSeconds,
    mtimeNanoseconds: 0,
  });
  const originals = new WeakMap<SourceEntry, SourceEntry>();
  const remember = (entry: SourceEntry): SourceEntry => {
    const changed = timed(entry);
    originals.set(changed, entry);
    return changed;
  };
  return {
    find: (path) => {
      const entry = tree.find(path);
      return entry === undefined ? undefined : remember(entry);
    },
    list: (path) => tree.list(path).map(remember),
    digest: (entry) => tree.digest(originals.get(entry) ?? entry),
    open: (entry) => tree.open(originals.get(entry) ?? entry),
    close: () => tree.close(),
  };
}

/** Several trees in one, each below a folder of its own or (with the name "") at the root. Earlier ones win. */
export function joinTrees(
  parts: readonly { readonly name: string; readonly tree: SourceTree }[],
  epochSeconds: number,
): SourceTree {
  const owners = new WeakMap<SourceEntry, { readonly tree: SourceTree; readonly entry: SourceEntry }>();
  const own = (part: (typeof parts)[number], entry: SourceEntry): SourceEntry => {
    const moved =
      part.name === ""
        ? { ...entry }
        : {
            ...entry,
            path: joinPath(part.name, entry.path).replace(/\/$/, ""),
            inodeKey: entry.inodeKey === undefined ? undefined : `${part.name} ${entry.inodeKey}`,
          };
    owners.set(moved, { tree: part.tree, entry });
    return moved;
  };
  const folder = (path: string): SourceEntry => plainEntry(path, "directory", { mtimeSeconds: epochSeconds });
  const list = (path: string): readonly SourceEntry[] => {
    const found = new Map<string, SourceEntry>();
    for (const part of parts) {
      const inside =
        part.name === ""
          ? path
          : path === part.name
            ? ""
            : path.startsWith(`${part.name}/`)
              ? path.slice(part.name.length + 1)
              : undefined;
      if (inside !== undefined) {
        if (inside !== "" && part.tree.find(inside)?.type !== "directory") continue;
        for (const entry of part.tree.list(inside)) {
          const moved = own(part, entry);
          if (!found.has(moved.path)) found.set(moved.path, moved);
        }
      } else if (path === "" && part.name !== "") found.set(part.name, folder(part.name));
    }
    return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  };
  return {
    find: (path) =>
      path === ""
        ? folder("")
        : list(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "").find((entry) => entry.path === path),
    list,
    digest: (entry) => {
      const owner = owners.get(entry);
      return owner === undefined ? "" : owner.tree.digest(owner.entry);
    },
    open: (entry) => {
      const owner = owners.get(entry);
      if (owner === undefined) throw new Error(`${entry.path} is no file of this tree`);
      return owner.tree.open(owner.entry);
    },
    close: () => {
      for (const { tree } of parts) tree.close();
    },
  };
}
