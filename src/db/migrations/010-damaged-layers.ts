/** Layers a check has found to be not what they were; a pull or load brings them anew. See `src/db/tables/layers.ts`. */
export const sql = `
CREATE TABLE damaged_layer (
  diff_id TEXT PRIMARY KEY,
  reason TEXT NOT NULL
) STRICT;
`;
