import { constants, type Database as Sqlite } from "bun:sqlite";

const pageBytes = 4096;
const sparePages = 256;

/**
 * Keeps space inside the database's own files, so that small changes (a container's end, its removal) need nothing of a
 * full disk: free pages in the database, and a log that has been this long once and is written over from its beginning
 * (`wal_checkpoint(RESTART)`). Writes only when there is too little; the log stays when the database is closed.
 */
export function keepSpareSpace(sqlite: Sqlite): void {
  sqlite.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  const free = sqlite.query<{ freelist_count: number }, []>("PRAGMA freelist_count").get()?.freelist_count ?? 0;
  if (free >= sparePages / 2) return;
  sqlite.run("CREATE TABLE spare_space (bytes BLOB) STRICT");
  sqlite.run("INSERT INTO spare_space VALUES (zeroblob(?))", [sparePages * pageBytes]);
  sqlite.run("DROP TABLE spare_space");
  sqlite.run("PRAGMA wal_checkpoint(RESTART)");
}
