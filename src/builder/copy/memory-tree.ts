import { createHash } from "node:crypto";
import { toByteString } from "#linux";
import type { SourceEntry, SourceTree } from "../context/tree.ts";

/** A tree of files at hand: here-documents, and the empty tree of a build without a context. */
export function memoryTree(files: readonly { readonly name: string; readonly text: string }[]): SourceTree {
  const entryOf = (path: string, type: "file" | "directory", sizeBytes: number): SourceEntry => ({
    path,
    type,
    mode: type === "file" ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    sizeBytes,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    linkTarget: "",
    deviceMajor: 0,
    deviceMinor: 0,
    attributes: new Map(),
    inodeKey: undefined,
  });
  const contents = new Map(files.map((file) => [toByteString(file.name), Buffer.from(file.text)]));
  const entries = new Map([...contents].map(([path, bytes]) => [path, entryOf(path, "file", bytes.length)]));
  return {
    find: (path) => (path === "" ? entryOf("", "directory", 0) : entries.get(path)),
    list: () => [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    digest: (entry) =>
      createHash("sha256")
        .update(contents.get(entry.path) ?? "")
        .digest("hex"),
    open: (entry) => ({
      read: (buffer, position) => contents.get(entry.path)?.copy(buffer, 0, position) ?? 0,
      close: () => {},
    }),
    close: () => {},
  };
}
