import type { Database } from "../database.ts";

/** A row of `packed_layer`: a file beside an unpacked layer, with the bytes that the layer came in. */
export type PackedLayerRow = { diff_id: string; digest: string; compression: string; size_bytes: number };

/** Access to the table `packed_layer`. */
export function packedLayerTable(database: Database) {
  return {
    all: () => database.all<PackedLayerRow>("SELECT * FROM packed_layer"),
    insert: (row: PackedLayerRow) =>
      void database.run(
        "INSERT OR REPLACE INTO packed_layer (diff_id, digest, compression, size_bytes) VALUES (?, ?, ?, ?)",
        row.diff_id,
        row.digest,
        row.compression,
        row.size_bytes,
      ),
    delete: (diffId: string, digest: string) =>
      void database.run("DELETE FROM packed_layer WHERE diff_id = ? AND digest = ?", diffId, digest),
    deleteAllOf: (diffId: string) => void database.run("DELETE FROM packed_layer WHERE diff_id = ?", diffId),
  };
}
