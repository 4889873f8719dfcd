import type { ImageDeleteDocument } from "#formats";

/** The lines about untagged and deleted images. */
export function deletedImages(documents: readonly ImageDeleteDocument[] | null): string[] {
  return (documents ?? []).map((each) =>
    "Deleted" in each ? `deleted: ${each.Deleted}` : `untagged: ${each.Untagged}`,
  );
}
