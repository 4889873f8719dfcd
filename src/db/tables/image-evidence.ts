import type { Database } from "../database.ts";

/** A row of `image_evidence`: a signature that was at the registry when the image was pulled. */
export type ImageEvidenceRow = { image_id: string; kind: string; payload: Uint8Array; signature: string };

/** Access to the table `image_evidence`. */
export function imageEvidenceTable(database: Database) {
  return {
    of: (imageId: string) =>
      database.all<ImageEvidenceRow>("SELECT * FROM image_evidence WHERE image_id = ? ORDER BY rowid", imageId),
    insert: (row: ImageEvidenceRow) =>
      void database.run(
        "INSERT OR IGNORE INTO image_evidence (image_id, kind, payload, signature) VALUES (?, ?, ?, ?)",
        row.image_id,
        row.kind,
        row.payload,
        row.signature,
      ),
  };
}
