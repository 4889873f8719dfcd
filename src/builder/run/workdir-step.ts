import type { Digest } from "#base";
import { noIgnoreRules } from "#formats";
import { toByteString } from "#linux";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { resolveInTree } from "../context/tree.ts";
import { memoryTree } from "../copy/memory-tree.ts";
import { resolveOwner } from "../copy/owner.ts";
import { copyInto } from "../copy/write.ts";
import { errors } from "../errors.ts";
import type { FileOperation } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { makeLayer } from "./snapshot.ts";
import { clampTimes } from "./times.ts";

/** Makes the directory of a WORKDIR when it is missing, owned by the current USER; an existing one stays as it is. */
export function workdirStep(
  parts: BuildParts,
  operation: Extract<FileOperation, { kind: "workdir" }>,
  below: readonly Digest[],
): Promise<Digest | undefined> {
  return makeLayer(
    parts,
    below,
    async (rootfs) => {
      const root = openDirectoryTree(rootfs);
      try {
        const existing = resolveInTree(root, toByteString(operation.path));
        if (existing?.type === "directory") return;
        if (existing !== undefined) {
          throw errors["build-copy-invalid"]("WORKDIR", `${operation.path} exists and is not a directory`);
        }
        const owner = operation.user === "" ? undefined : resolveOwner(root, operation.user);
        if (typeof owner === "string") throw errors["build-copy-invalid"]("WORKDIR", owner);
        const empty = memoryTree([]);
        const entry = empty.find("");
        await copyInto(
          rootfs,
          entry === undefined ? [] : [{ tree: empty, selected: [{ entry, name: "" }], unpack: false }],
          {
            instruction: "COPY",
            destination: `${operation.path}/`,
            owner: owner === undefined ? undefined : `${owner.uid}:${owner.gid}`,
            keepsOwner: false,
            mode: undefined,
            excludes: noIgnoreRules,
            epoch: operation.epoch,
            idMapping: parts.snapshots.idMapping,
          },
        );
      } finally {
        root.close();
      }
    },
    (changes) => {
      if (operation.epoch !== undefined) clampTimes(changes, operation.epoch);
    },
  );
}
