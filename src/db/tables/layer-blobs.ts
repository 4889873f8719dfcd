import type { Database } from "../database.ts";

/** A row of `layer_blob`: a repository has the layer under this digest. */
export type LayerBlobRow = {
  diff_id: string;
  digest: string;
  /** Fully qualified. */
  repository: string;
  media_type: string;
  size_bytes: number;
  seen_ms: number;
};

/** Access to the table `layer_blob`. */
export function layerBlobTable(database: Database) {
  return {
    /** Latest first. */
    of: (diffId: string) =>
      database.all<LayerBlobRow>("SELECT * FROM layer_blob WHERE diff_id = ? ORDER BY seen_ms DESC, digest", diffId),
    put: (row: LayerBlobRow) =>
      void database.run(
        `INSERT INTO layer_blob (diff_id, digest, repository, media_type, size_bytes, seen_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (diff_id, digest, repository) DO UPDATE SET seen_ms = excluded.seen_ms`,
        row.diff_id,
        row.digest,
        row.repository,
        row.media_type,
        row.size_bytes,
        row.seen_ms,
      ),
    /** Forgets all but the latest of a layer. */
    trim: (diffId: string, keep: number) =>
      void database.run(
        `DELETE FROM layer_blob WHERE diff_id = ?1 AND (digest, repository) NOT IN
           (SELECT digest, repository FROM layer_blob WHERE diff_id = ?1 ORDER BY seen_ms DESC LIMIT ?2)`,
        diffId,
        keep,
      ),
    forget: (diffId: string, digest: string, repository: string) =>
      void database.run(
        "DELETE FROM layer_blob WHERE diff_id = ? AND digest = ? AND repository = ?",
        diffId,
        digest,
        repository,
      ),
  };
}
