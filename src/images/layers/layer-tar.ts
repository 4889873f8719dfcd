import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Digest, EngineError, errorMessage } from "#base";
import { closeFd, FILE_TYPE, O, openDirectory, openInRoot, RESOLVE, S_IFMT, statusOf, toByteString } from "#linux";
import { errors } from "../errors.ts";
import { readSkeleton } from "./skeleton.ts";
import { gathered, readExactly } from "./tree-tar.ts";

function* reassembled(directory: string): Generator<Uint8Array> {
  const diffFd = openDirectory(toByteString(join(directory, "diff")));
  const keptPath = join(directory, "kept");
  const keptFd = existsSync(keptPath) ? openDirectory(toByteString(keptPath)) : undefined;
  try {
    for (const record of readSkeleton(join(directory, "skeleton"))) {
      if (record.kind === "bytes") {
        yield record.bytes;
        continue;
      }
      const isKept = keptFd !== undefined && existsSync(join(keptPath, String(record.sequence)));
      const fd = isKept
        ? openInRoot(keptFd, String(record.sequence), O.readOnly, 0, RESOLVE.noSymlinks)
        : openInRoot(diffFd, record.path, O.readOnly | O.nonBlock, 0, RESOLVE.noSymlinks);
      try {
        const status = statusOf(fd);
        if ((status.mode & S_IFMT) !== FILE_TYPE.regular || status.sizeBytes !== record.sizeBytes) {
          throw new Error(`"${record.path}" is not what was unpacked`);
        }
        yield* readExactly(fd, record.sizeBytes);
      } finally {
        closeFd(fd);
      }
    }
  } finally {
    closeFd(diffFd);
    if (keptFd !== undefined) closeFd(keptFd);
  }
}

/** The tar of an unpacked layer, byte for byte; throws at the end when the bytes are not those of `diffId`. */
export async function* layerTar(directory: string, diffId: Digest): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  try {
    for (const chunk of gathered(reassembled(directory))) {
      hash.update(chunk);
      yield chunk;
    }
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== diffId) throw new Error(`its contents have the digest ${actual}`);
  } catch (error) {
    throw error instanceof EngineError ? error : errors.layerDamaged(diffId, errorMessage(error));
  }
}
