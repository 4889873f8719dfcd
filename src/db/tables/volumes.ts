import type { Database } from "../database.ts";

/** A row of `volume`; labels and options are JSON objects of strings. */
export type VolumeRow = { name: string; created_ms: number; anonymous: number; labels: string; options: string };

/** Access to the `volume` table. */
export function volumeTable(database: Database) {
  return {
    all: () => database.all<VolumeRow>("SELECT * FROM volume"),
    insert: (row: VolumeRow) =>
      void database.run(
        "INSERT INTO volume (name, created_ms, anonymous, labels, options) VALUES (?, ?, ?, ?, ?)",
        row.name,
        row.created_ms,
        row.anonymous,
        row.labels,
        row.options,
      ),
    delete: (name: string) => void database.run("DELETE FROM volume WHERE name = ?", name),
  };
}
