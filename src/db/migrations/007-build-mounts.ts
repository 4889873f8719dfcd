/** Cache mounts of builds, and what a build's steps were made of; see `src/db/tables/build-mounts.ts`. */
export const sql = `
CREATE TABLE build_mount (
  key TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  made_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE build_reason (
  place TEXT PRIMARY KEY,
  ingredients TEXT NOT NULL,
  used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;
