import type { Database } from "../database.ts";

/** A row of `network`; pools is a JSON list, settings a JSON object, labels and options are JSON objects of strings. */
export type NetworkRow = {
  id: string;
  name: string;
  driver: string;
  created_ms: number;
  pools: string;
  settings: string;
  internal: number;
  bridge_name: string | null;
  options: string;
  labels: string;
};

/** Access to the `network` table. */
export function networkTable(database: Database) {
  return {
    all: () => database.all<NetworkRow>("SELECT * FROM network ORDER BY created_ms, rowid"),
    insert: (row: NetworkRow) =>
      void database.run(
        `INSERT INTO network (id, name, driver, created_ms, pools, settings, internal, bridge_name, options, labels)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        row.id,
        row.name,
        row.driver,
        row.created_ms,
        row.pools,
        row.settings,
        row.internal,
        row.bridge_name,
        row.options,
        row.labels,
      ),
    setPools: (id: string, pools: string) => void database.run("UPDATE network SET pools = ? WHERE id = ?", pools, id),
    setSettings: (id: string, settings: string) =>
      void database.run("UPDATE network SET settings = ? WHERE id = ?", settings, id),
    setOptions: (id: string, options: string) =>
      void database.run("UPDATE network SET options = ? WHERE id = ?", options, id),
    delete: (id: string) => void database.run("DELETE FROM network WHERE id = ?", id),
  };
}
