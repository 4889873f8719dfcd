/** Schema of the build cache; see `src/db/tables/build-cache.ts`. */
export const sql = `
CREATE TABLE build_step (
  key TEXT PRIMARY KEY,
  diff_id TEXT,
  size_bytes INTEGER NOT NULL,
  created TEXT NOT NULL,
  description TEXT NOT NULL,
  made_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX build_step_used ON build_step (used_ms);

CREATE TABLE build_selection (
  key TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE build_file (
  device INTEGER NOT NULL,
  inode TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  modified TEXT NOT NULL,
  changed TEXT NOT NULL,
  digest TEXT NOT NULL,
  used_ms INTEGER NOT NULL,
  PRIMARY KEY (device, inode)
) STRICT, WITHOUT ROWID;
`;
