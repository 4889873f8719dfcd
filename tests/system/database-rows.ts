import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { EngineProcess } from "../engines/engine.ts";

const tables = ["container", "network_endpoint", "network_port"] as const;

/** How many rows about containers a daemon has on record, by table; tables without any are left out. */
export function containerRows(engine: EngineProcess): Readonly<Record<string, number>> {
  const database = new Database(join(engine.dataRoot, "berth.db"), { readonly: true });
  try {
    return Object.fromEntries(
      tables
        .map((table) => [
          table,
          database.query<{ count: number }, []>(`SELECT count(*) AS count FROM ${table}`).get()?.count ?? 0,
        ])
        .filter(([, count]) => count !== 0),
    );
  } finally {
    database.close();
  }
}
