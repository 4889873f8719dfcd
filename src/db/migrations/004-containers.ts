/** Schema of containers; see `src/db/tables/containers.ts`. */
export const sql = `
CREATE TABLE container (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- What create fixed: config, host config, image, mounts (JSON).
  document TEXT NOT NULL,
  -- What changes while it lives: status, exit code, times, restart count (JSON).
  state TEXT NOT NULL
) STRICT;
`;
