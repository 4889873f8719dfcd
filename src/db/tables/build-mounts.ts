import type { Database } from "../database.ts";

/** A cache mount: a directory named after its key. */
export type BuildMountRow = {
  readonly key: string;
  /** As `RUN --mount=type=cache,id=` has it, with its namespace. */
  readonly id: string;
  readonly madeMs: number;
  readonly usedMs: number;
  readonly uses: number;
};

/** The cache mounts. */
export type BuildMountTable = {
  find(key: string): BuildMountRow | undefined;
  save(row: Omit<BuildMountRow, "uses">): void;
  touch(key: string, nowMs: number): void;
  remove(key: string): void;
  /** Least recently used first. */
  list(): readonly BuildMountRow[];
};

type MountColumns = { key: string; id: string; made_ms: number; used_ms: number; uses: number };

function mountOf(row: MountColumns): BuildMountRow {
  return { key: row.key, id: row.id, madeMs: row.made_ms, usedMs: row.used_ms, uses: row.uses };
}

/** The rows of `build_mount`. */
export function buildMountTable(database: Database): BuildMountTable {
  return {
    find: (key) => {
      const row = database.get<MountColumns>("SELECT * FROM build_mount WHERE key = ?", key);
      return row === undefined ? undefined : mountOf(row);
    },
    save: ({ key, id, madeMs, usedMs }) =>
      void database.run(
        "INSERT OR REPLACE INTO build_mount (key, id, made_ms, used_ms) VALUES (?, ?, ?, ?)",
        key,
        id,
        madeMs,
        usedMs,
      ),
    touch: (key, nowMs) =>
      void database.run("UPDATE build_mount SET used_ms = ?, uses = uses + 1 WHERE key = ?", nowMs, key),
    remove: (key) => void database.run("DELETE FROM build_mount WHERE key = ?", key),
    list: () => database.all<MountColumns>("SELECT * FROM build_mount ORDER BY used_ms").map(mountOf),
  };
}

/** What each step of a Dockerfile was last made of, so that a later build can say what changed. */
export type BuildReasonTable = {
  find(place: string): string | undefined;
  /** One transaction for all of them. */
  save(rows: ReadonlyMap<string, string>, nowMs: number): void;
  forget(beforeMs: number): void;
};

/** The rows of `build_reason`. */
export function buildReasonTable(database: Database): BuildReasonTable {
  return {
    find: (place) =>
      database.get<{ ingredients: string }>("SELECT ingredients FROM build_reason WHERE place = ?", place)?.ingredients,
    save: (rows, nowMs) => {
      database.transaction(() => {
        for (const [place, ingredients] of rows) {
          database.run(
            "INSERT OR REPLACE INTO build_reason (place, ingredients, used_ms) VALUES (?, ?, ?)",
            place,
            ingredients,
            nowMs,
          );
        }
      });
    },
    forget: (beforeMs) => void database.run("DELETE FROM build_reason WHERE used_ms < ?", beforeMs),
  };
}
