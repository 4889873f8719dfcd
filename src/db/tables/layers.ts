import type { Database } from "../database.ts";

/** A row of `layer`: an unpacked layer that is whole and on disk. */
export type LayerRow = { number: number; diff_id: string; size_bytes: number; tar_bytes: number };

/** A row of `layer_snapshot`: a writable root file system over layers. */
export type LayerSnapshotRow = { id: string; driver: string; diff_ids: string; discardable: number };

/** A row of `layer_pin`: `owner` keeps a layer. */
export type LayerPinRow = { owner: string; diff_id: string };

/** Access to the tables `layer`, `layer_pin` and `layer_snapshot`. */
export function layerTable(database: Database) {
  return {
    all: () => database.all<LayerRow>("SELECT * FROM layer"),
    /** Returns the new row's number. */
    insert: (row: Omit<LayerRow, "number">) =>
      database.run(
        "INSERT INTO layer (diff_id, size_bytes, tar_bytes) VALUES (?, ?, ?)",
        row.diff_id,
        row.size_bytes,
        row.tar_bytes,
      ).lastInsertRowid,
    delete: (diffId: string) => void database.run("DELETE FROM layer WHERE diff_id = ?", diffId),
    /** Layers that a check found damaged, and what was wrong. */
    damaged: () => database.all<{ diff_id: string; reason: string }>("SELECT * FROM damaged_layer"),
    setDamaged: (diffId: string, reason: string) =>
      void database.run("INSERT OR REPLACE INTO damaged_layer (diff_id, reason) VALUES (?, ?)", diffId, reason),
    clearDamaged: (diffId: string) => void database.run("DELETE FROM damaged_layer WHERE diff_id = ?", diffId),
    pins: () => database.all<LayerPinRow>("SELECT * FROM layer_pin"),
    insertPin: (row: LayerPinRow) =>
      void database.run("INSERT OR IGNORE INTO layer_pin (owner, diff_id) VALUES (?, ?)", row.owner, row.diff_id),
    deletePins: (owner: string) => void database.run("DELETE FROM layer_pin WHERE owner = ?", owner),
    snapshots: () => database.all<LayerSnapshotRow>("SELECT * FROM layer_snapshot"),
    insertSnapshot: (row: LayerSnapshotRow) =>
      void database.run(
        "INSERT INTO layer_snapshot (id, driver, diff_ids, discardable) VALUES (?, ?, ?, ?)",
        row.id,
        row.driver,
        row.diff_ids,
        row.discardable,
      ),
    deleteSnapshot: (id: string) => void database.run("DELETE FROM layer_snapshot WHERE id = ?", id),
  };
}
