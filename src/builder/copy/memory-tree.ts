import { createHash } from "node:crypto";
import { toByteString } from "#linux";
import type { SourceTree } from "../context/tree.ts";
import { plainEntry } from "../context/plain-entry.ts";

/** A tree of files at hand: here-documents, and the empty tree of a build without a context. */
export function memoryTree(files: readonly { readonly name: string; readonly text: string }[]): SourceTree {
  const contents = new Map(files.map((file) => [toByteString(file.name), Buffer.from(file.text)]));
  const entries = new Map(
    [...contents].map(([path, bytes]) => [path, plainEntry(path, "file", { sizeBytes: bytes.length })]),
  );
  return {
    find: (path) => (path === "" ? plainEntry("", "directory") : entries.get(path)),
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
