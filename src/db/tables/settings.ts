import type { Database } from "../database.ts";

/** Access to the `setting` table: single values of this installation, such as its instance id. */
export function settingTable(database: Database) {
  return {
    get: (name: string): string | undefined =>
      database.get<{ value: string }>("SELECT value FROM setting WHERE name = ?", name)?.value,
    set: (name: string, value: string) =>
      void database.run("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", name, value),
  };
}
