import { Database as Sqlite, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { errors } from "./errors.ts";
import { migrations } from "./migrations/order.ts";
import { openReserve } from "./reserve.ts";
import { keepSpareSpace } from "./spare-space.ts";

/** Values for a statement's placeholders. */
export type Bindings = SQLQueryBindings[];

/** The daemon's one connection to its state. Synchronous; a statement takes 2-150 µs. */
export type Database = {
  /** All rows of a query. Statements are prepared once and kept. */
  all<Row>(sql: string, ...bindings: Bindings): Row[];
  /** The first row, or undefined. */
  get<Row>(sql: string, ...bindings: Bindings): Row | undefined;
  /** Runs a statement that returns no rows; durable when it returns, unless inside `transaction`. */
  run(sql: string, ...bindings: Bindings): { readonly changes: number; readonly lastInsertRowid: number };
  /**
   * Runs `work` without waiting for the disk: what it writes survives a killed daemon, but perhaps not a power cut.
   * For what a power cut makes untrue anyway (that a process runs). Saves a flush, 0.15 ms and more on a busy disk.
   */
  relaxed<T>(work: () => T): T;
  /** All or nothing, durable when it returns. Nested calls join the outer one. */
  transaction<T>(work: () => T): T;
  close(): void;
};

/**
 * Opens (or makes) the state database and brings its schema up to date. WAL with synchronous=FULL: what was
 * committed survives a power cut (0.15 ms a transaction, measured).
 * @param path file path, or ":memory:"
 */
export function openDatabase(path: string): Database {
  const reserve = path === ":memory:" ? undefined : openReserve(`${path}.reserve`);
  let opened: Sqlite | undefined;
  /** Starts the log over, so that the next write needs no new space. */
  const restartLog = (): void => {
    try {
      opened?.run("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // What is in the log does not fit into the database's file: the reserve must do.
    }
  };
  /** When the disk is full, does `work` again on the space of the log, and then on that of the reserve. */
  const onFullDisk = <T>(work: () => T): T => {
    for (const makeRoom of [restartLog, () => void reserve?.release()]) {
      try {
        return work();
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        makeRoom();
      }
    }
    try {
      return work();
    } catch (error) {
      throw isDiskFull(error) ? errors.databaseFull(path) : error;
    }
  };
  const sqlite = onFullDisk(() => openFile(path));
  opened = sqlite;
  if (path !== ":memory:") {
    try {
      keepSpareSpace(sqlite);
    } catch (error) {
      // No room now: the next start tries again.
      if (!isDiskFull(error)) throw error;
    }
  }
  reserve?.fill();

  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = sqlite.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };

  return {
    all: <Row>(sql: string, ...bindings: Bindings) => prepare(sql).all(...bindings) as Row[],
    get: <Row>(sql: string, ...bindings: Bindings) => (prepare(sql).get(...bindings) ?? undefined) as Row | undefined,
    run: (sql, ...bindings) => {
      const run = () => prepare(sql).run(...bindings);
      // Inside a transaction it is the whole that has to be done again.
      const { changes, lastInsertRowid } = sqlite.inTransaction ? run() : onFullDisk(run);
      return { changes, lastInsertRowid: Number(lastInsertRowid) };
    },
    relaxed: (work) => {
      if (sqlite.inTransaction) return work();
      // In WAL mode NORMAL leaves out the flush at commit; the next FULL commit flushes this one too.
      sqlite.run("PRAGMA synchronous = NORMAL");
      try {
        return work();
      } finally {
        sqlite.run("PRAGMA synchronous = FULL");
      }
    },
    transaction: (work) => (sqlite.inTransaction ? work() : onFullDisk(() => sqlite.transaction(work).immediate())),
    close: () => {
      reserve?.close();
      for (const statement of statements.values()) statement.finalize();
      sqlite.close();
    },
  };
}

function openFile(path: string): Sqlite {
  const sqlite = new Sqlite(path, { create: true, strict: true });
  try {
    sqlite.run("PRAGMA journal_mode = WAL");
    sqlite.run("PRAGMA synchronous = FULL");
    sqlite.run("PRAGMA foreign_keys = ON");
    sqlite.run("PRAGMA busy_timeout = 5000");
    migrate(sqlite);
  } catch (error) {
    sqlite.close();
    throw error;
  }
  return sqlite;
}

/** SQLITE_FULL, and what opening files of the database gives on a full disk. */
function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE" || code === "SQLITE_CANTOPEN" || code === "ENOSPC";
}

function migrate(sqlite: Sqlite): void {
  sqlite.run("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, applied_ms INTEGER NOT NULL) STRICT");
  const applied = new Set(
    sqlite
      .query<{ name: string }, []>("SELECT name FROM migration")
      .all()
      .map((row) => row.name),
  );
  const unknown = [...applied].filter((name) => !migrations.some((migration) => migration.name === name));
  if (unknown.length > 0) {
    throw new Error(`the state database was written by a newer Berth (unknown migration ${unknown.join(", ")})`);
  }
  for (const { name, sql } of migrations) {
    if (applied.has(name)) continue;
    sqlite
      .transaction(() => {
        if (sql.trim() !== "") sqlite.run(sql);
        sqlite.run("INSERT INTO migration (name, applied_ms) VALUES (?, ?)", [name, Date.now()]);
      })
      .immediate();
  }
}
