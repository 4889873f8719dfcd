/** Schema of volumes; see `src/db/tables/volumes.ts`. */
export const sql = `
CREATE TABLE volume (
  name TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  anonymous INTEGER NOT NULL,
  labels TEXT NOT NULL,
  options TEXT NOT NULL
) STRICT;
`;
