/** Schema of what registries know of layers; see `src/db/tables/layer-blobs.ts`. */
export const sql = `
-- A layer as a repository has it: compressed, under a digest of its own. Goes with the layer.
CREATE TABLE layer_blob (
  diff_id TEXT NOT NULL REFERENCES layer (diff_id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  repository TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (diff_id, digest, repository)
) STRICT, WITHOUT ROWID;
`;
