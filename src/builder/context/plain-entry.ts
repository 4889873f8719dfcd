import type { SourceEntry } from "./tree.ts";

/** An entry that says only what it must: root's, of the epoch, without attributes; `more` says the rest. */
export function plainEntry(path: string, type: "file" | "directory", more: Partial<SourceEntry> = {}): SourceEntry {
  return {
    path,
    type,
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    linkTarget: "",
    deviceMajor: 0,
    deviceMinor: 0,
    attributes: new Map(),
    inodeKey: undefined,
    ...more,
  };
}
