/** Schema of the build history; see `src/db/tables/builds.ts`. */
export const sql = `
CREATE TABLE build (
  reference TEXT PRIMARY KEY,
  status TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  completed_ns INTEGER,
  pinned INTEGER NOT NULL DEFAULT 0,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX build_created ON build (created_ns);
`;
