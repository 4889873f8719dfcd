import type { Digest } from "#base";
import type { Database } from "../database.ts";

/** What one step of a build made. */
export type BuildStepRow = {
  readonly key: string;
  /** Undefined when the step changed no file. */
  readonly diffId: Digest | undefined;
  readonly sizeBytes: number;
  /** RFC 3339 time of the history entry, kept so that a cached build gives the same image id. */
  readonly created: string;
  /** The instruction, for `system df -v`. */
  readonly description: string;
  readonly madeMs: number;
  readonly usedMs: number;
  readonly uses: number;
};

/** The digest of a file, valid while these four stay as they were. */
export type BuildFileRow = {
  readonly device: number;
  readonly inode: string;
  readonly sizeBytes: number;
  readonly modified: string;
  readonly changed: string;
  readonly digest: string;
};

/** The builder's memory: results of steps, digests of what was copied out of layers, digests of files. */
export type BuildCacheTable = {
  findStep(key: string): BuildStepRow | undefined;
  saveStep(row: Omit<BuildStepRow, "uses">): void;
  /** Notes that these steps were used now. */
  touchSteps(keys: readonly string[], nowMs: number): void;
  listSteps(): readonly BuildStepRow[];
  deleteStep(key: string): void;
  findSelection(key: string): string | undefined;
  saveSelection(key: string, digest: string, nowMs: number): void;
  findFile(device: number, inode: string): BuildFileRow | undefined;
  /** One transaction for all of them. */
  saveFiles(rows: readonly BuildFileRow[], nowMs: number): void;
  /** Forgets selections and files last used before `beforeMs`. */
  forget(beforeMs: number): void;
};

type StepColumns = {
  key: string;
  diff_id: string | null;
  size_bytes: number;
  created: string;
  description: string;
  made_ms: number;
  used_ms: number;
  uses: number;
};

function stepOf(row: StepColumns): BuildStepRow {
  return {
    key: row.key,
    diffId: row.diff_id ?? undefined,
    sizeBytes: row.size_bytes,
    created: row.created,
    description: row.description,
    madeMs: row.made_ms,
    usedMs: row.used_ms,
    uses: row.uses,
  };
}

/** The build cache's rows. */
export function buildCacheTable(database: Database): BuildCacheTable {
  return {
    findStep: (key) => {
      const row = database.get<StepColumns>("SELECT * FROM build_step WHERE key = ?", key);
      return row === undefined ? undefined : stepOf(row);
    },
    saveStep: (row) => {
      database.run(
        `INSERT INTO build_step (key, diff_id, size_bytes, created, description, made_ms, used_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET diff_id = excluded.diff_id, size_bytes = excluded.size_bytes,
           created = excluded.created, made_ms = excluded.made_ms, used_ms = excluded.used_ms`,
        row.key,
        row.diffId ?? null,
        row.sizeBytes,
        row.created,
        row.description,
        row.madeMs,
        row.usedMs,
      );
    },
    touchSteps: (keys, nowMs) => {
      database.transaction(() => {
        for (const key of keys) {
          database.run("UPDATE build_step SET used_ms = ?, uses = uses + 1 WHERE key = ?", nowMs, key);
        }
      });
    },
    listSteps: () => database.all<StepColumns>("SELECT * FROM build_step ORDER BY used_ms").map(stepOf),
    deleteStep: (key) => void database.run("DELETE FROM build_step WHERE key = ?", key),
    findSelection: (key) =>
      database.get<{ digest: string }>("SELECT digest FROM build_selection WHERE key = ?", key)?.digest,
    saveSelection: (key, digest, nowMs) =>
      void database.run(
        "INSERT OR REPLACE INTO build_selection (key, digest, used_ms) VALUES (?, ?, ?)",
        key,
        digest,
        nowMs,
      ),
    findFile: (device, inode) => {
      const row = database.get<{ size_bytes: number; modified: string; changed: string; digest: string }>(
        "SELECT size_bytes, modified, changed, digest FROM build_file WHERE device = ? AND inode = ?",
        device,
        inode,
      );
      if (row === undefined) return undefined;
      return {
        device,
        inode,
        sizeBytes: row.size_bytes,
        modified: row.modified,
        changed: row.changed,
        digest: row.digest,
      };
    },
    saveFiles: (rows, nowMs) => {
      database.transaction(() => {
        for (const row of rows) {
          database.run(
            `INSERT OR REPLACE INTO build_file (device, inode, size_bytes, modified, changed, digest, used_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?)`,
            row.device,
            row.inode,
            row.sizeBytes,
            row.modified,
            row.changed,
            row.digest,
            nowMs,
          );
        }
      });
    },
    forget: (beforeMs) => {
      database.transaction(() => {
        database.run("DELETE FROM build_selection WHERE used_ms < ?", beforeMs);
        database.run("DELETE FROM build_file WHERE used_ms < ?", beforeMs);
      });
    },
  };
}
