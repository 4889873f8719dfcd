import { decompress } from "#images";
import { createTarParser, TarError } from "#wire";
import { EngineError } from "#base";
import type { SourceEntry, SourceTree } from "../context/tree.ts";

const pieceBytes = 256 * 1024;

/** A file of a tree as a stream. */
export async function* streamOf(tree: SourceTree, entry: SourceEntry): AsyncIterable<Uint8Array> {
  const reader = tree.open(entry);
  try {
    for (let position = 0; ;) {
      const buffer = Buffer.allocUnsafe(pieceBytes);
      const count = reader.read(buffer, position);
      if (count === 0) return;
      yield buffer.subarray(0, count);
      position += count;
    }
  } finally {
    reader.close();
  }
}

/** True when a file is a tar archive, compressed or not: told by its content, never by its name; an empty file is none. */
export async function isArchive(tree: SourceTree, entry: SourceEntry): Promise<boolean> {
  if (entry.type !== "file" || entry.sizeBytes === 0) return false;
  let hasMember = false;
  const parser = createTarParser({
    entry: () => {
      hasMember = true;
    },
    data: () => {},
    hole: () => {},
    end: () => {},
  });
  try {
    for await (const chunk of decompress(streamOf(tree, entry))) {
      // The first header decides; more than that is not read.
      parser.write(chunk.subarray(0, Math.min(chunk.length, 64 * 1024)));
      if (hasMember || chunk.length >= 64 * 1024) break;
    }
  } catch (error) {
    // What cannot be read as one is not an archive, and is copied as it is.
    if (!(error instanceof TarError) && !(error instanceof EngineError)) throw error;
  }
  return hasMember;
}
