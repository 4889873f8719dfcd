import type { Digest } from "#base";
import type { FilesOrigin, StageState } from "../plan/operation.ts";

/** What the stages before have come to, by index. */
export type StageResults = ReadonlyMap<number, StageState>;

/** The layers that files come from; undefined when they come from a context. */
export function layersOf(origin: FilesOrigin, others: StageResults): readonly Digest[] | undefined {
  if (origin.kind === "image") return origin.record.config.rootfs.diff_ids;
  if (origin.kind === "stage") return others.get(origin.index)?.diffIds ?? [];
  return origin.kind === "scratch" ? [] : undefined;
}

/** How an origin is named in messages. */
export function originName(origin: FilesOrigin): string {
  switch (origin.kind) {
    case "context":
      return "the build context";
    case "named":
      return `the context ${origin.name}`;
    case "stage":
      return `stage ${origin.index}`;
    case "image":
      return `the image ${origin.record.repoTags[0] ?? origin.record.id}`;
    case "scratch":
      break;
  }
  return "scratch";
}
