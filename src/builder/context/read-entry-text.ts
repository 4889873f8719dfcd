import type { SourceEntry, SourceTree } from "./tree.ts";

/** A file of a tree as text, whole; the caller has bounded its size. A file that shrank gives what is left of it. */
export function readEntryText(tree: SourceTree, entry: SourceEntry): string {
  const buffer = Buffer.alloc(entry.sizeBytes);
  const reader = tree.open(entry);
  try {
    let length = 0;
    while (length < buffer.length) {
      const count = reader.read(buffer.subarray(length), length);
      if (count === 0) break;
      length += count;
    }
    return buffer.toString("utf8", 0, length);
  } finally {
    reader.close();
  }
}
