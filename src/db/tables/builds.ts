import type { Database } from "../database.ts";

/** One build of the history. */
export type BuildRow = {
  readonly reference: string;
  readonly status: "running" | "completed" | "failed" | "cancelled";
  readonly createdAt: bigint;
  readonly completedAt: bigint | undefined;
  readonly pinned: boolean;
  /** The rest of its record, JSON. */
  readonly document: string;
};

/** The builds there were. */
export type BuildTable = {
  save(row: BuildRow): void;
  find(reference: string): BuildRow | undefined;
  /** Newest first. */
  list(): readonly BuildRow[];
  remove(reference: string): void;
};

type Columns = {
  reference: string;
  status: BuildRow["status"];
  created_ns: string;
  completed_ns: string | null;
  pinned: number;
  document: string;
};

// Nanoseconds since 1970 do not fit into a JavaScript number, so they leave SQLite as text.
const columns =
  "reference, status, CAST(created_ns AS TEXT) created_ns, CAST(completed_ns AS TEXT) completed_ns, pinned, document";

function rowOf(row: Columns): BuildRow {
  return {
    reference: row.reference,
    status: row.status,
    createdAt: BigInt(row.created_ns),
    completedAt: row.completed_ns === null ? undefined : BigInt(row.completed_ns),
    pinned: row.pinned !== 0,
    document: row.document,
  };
}

/** The build history's rows. */
export function buildTable(database: Database): BuildTable {
  return {
    // A build that a power cut takes from the history is no loss; waiting for the disk at each would be.
    save: (row) =>
      database.relaxed(
        () =>
          void database.run(
            "INSERT OR REPLACE INTO build (reference, status, created_ns, completed_ns, pinned, document) VALUES (?, ?, ?, ?, ?, ?)",
            row.reference,
            row.status,
            row.createdAt,
            row.completedAt ?? null,
            row.pinned ? 1 : 0,
            row.document,
          ),
      ),
    find: (reference) => {
      const row = database.get<Columns>(`SELECT ${columns} FROM build WHERE reference = ?`, reference);
      return row === undefined ? undefined : rowOf(row);
    },
    list: () => database.all<Columns>(`SELECT ${columns} FROM build ORDER BY build.created_ns DESC`).map(rowOf),
    remove: (reference) => void database.run("DELETE FROM build WHERE reference = ?", reference),
  };
}
