import type { Database } from "../database.ts";

/** A row of `network`; labels and options are JSON objects of strings. */
export type NetworkRow = {
  id: string;
  name: string;
  driver: string;
  created_ms: number;
  subnet: string | null;
  gateway: string | null;
  ip_range: string | null;
  subnet_given: number;
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
        `INSERT INTO network (id, name, driver, created_ms, subnet, gateway, ip_range, subnet_given, internal,
         bridge_name, options, labels) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        row.id,
        row.name,
        row.driver,
        row.created_ms,
        row.subnet,
        row.gateway,
        row.ip_range,
        row.subnet_given,
        row.internal,
        row.bridge_name,
        row.options,
        row.labels,
      ),
    setSubnet: (id: string, subnet: string, gateway: string, given: number) =>
      void database.run(
        "UPDATE network SET subnet = ?, gateway = ?, subnet_given = ? WHERE id = ?",
        subnet,
        gateway,
        given,
        id,
      ),
    delete: (id: string) => void database.run("DELETE FROM network WHERE id = ?", id),
  };
}
