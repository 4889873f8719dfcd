/** Compressed forms of layers that are kept beside them; see `src/db/tables/packed-layers.ts`. */
export const sql = `
CREATE TABLE packed_layer (
  diff_id TEXT NOT NULL REFERENCES layer (diff_id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  -- "gzip" or "zstd"
  compression TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (diff_id, digest)
) STRICT, WITHOUT ROWID;
`;
