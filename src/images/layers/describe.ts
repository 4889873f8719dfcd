import { createHash } from "node:crypto";
import { join } from "node:path";
import type { IdMapping } from "#base";
import { closeFd, openDirectory, toByteString } from "#linux";
import { createSkeletonWriter } from "./skeleton.ts";
import { readExactly, treeAsTar } from "./tree-tar.ts";
import type { LayerFacts } from "./unpack.ts";

/** How long this thread is kept before others get their turn. */
const SLICE_MS = 8;

/**
 * Computes the tar of a layer that exists as a directory (`directory/diff`, overlay form) without writing it: the
 * bytes go through the hash, and what is not in the files goes into `directory/skeleton`.
 */
export async function describeLayer(directory: string, idMapping: IdMapping | undefined): Promise<LayerFacts> {
  const rootFd = openDirectory(toByteString(join(directory, "diff")));
  const skeleton = createSkeletonWriter(join(directory, "skeleton"));
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let tarBytes = 0;
  let sequence = 0;
  let sliceStart = performance.now();
  try {
    for (const piece of treeAsTar({ directoryFd: rootFd, name: "", as: "", whiteouts: "overlay", idMapping })) {
      if (piece.kind === "bytes") {
        hash.update(piece.bytes);
        skeleton.bytes(piece.bytes);
        tarBytes += piece.bytes.length;
      } else {
        skeleton.file(piece.path, piece.sizeBytes, sequence++);
        sizeBytes += piece.sizeBytes;
        tarBytes += piece.sizeBytes;
        for (const chunk of readExactly(piece.fd, piece.sizeBytes)) {
          hash.update(chunk);
          if (performance.now() - sliceStart < SLICE_MS) continue;
          await new Promise(setImmediate);
          sliceStart = performance.now();
        }
      }
      if (performance.now() - sliceStart < SLICE_MS) continue;
      await new Promise(setImmediate);
      sliceStart = performance.now();
    }
  } finally {
    skeleton.close();
    closeFd(rootFd);
  }
  return { diffId: `sha256:${hash.digest("hex")}`, sizeBytes, tarBytes };
}
