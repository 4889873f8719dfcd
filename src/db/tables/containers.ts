import type { Database } from "../database.ts";

/** A row of `container`; `document` and `state` are JSON. */
export type ContainerRow = { id: string; name: string; document: string; state: string };

/** Access to the `container` table. Every write is durable when it returns. */
export function containerTable(database: Database) {
  return {
    all: () => database.all<ContainerRow>("SELECT id, name, document, state FROM container"),
    insert: (row: ContainerRow) =>
      void database.run(
        "INSERT INTO container (id, name, document, state) VALUES (?, ?, ?, ?)",
        row.id,
        row.name,
        row.document,
        row.state,
      ),
    updateState: (id: string, state: string) =>
      void database.run("UPDATE container SET state = ? WHERE id = ?", state, id),
    updateDocument: (id: string, document: string) =>
      void database.run("UPDATE container SET document = ? WHERE id = ?", document, id),
    rename: (id: string, name: string) => void database.run("UPDATE container SET name = ? WHERE id = ?", name, id),
    delete: (id: string) => void database.run("DELETE FROM container WHERE id = ?", id),
  };
}

/** Access to the `container` table. */
export type ContainerTable = ReturnType<typeof containerTable>;
