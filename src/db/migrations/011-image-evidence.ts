/** Signatures that images were pulled with; see `src/db/tables/image-evidence.ts`. */
export const sql = `
CREATE TABLE image_evidence (
  image_id TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  -- "simple" or "bundle"
  kind TEXT NOT NULL,
  payload BLOB NOT NULL,
  -- Base64, "" for a bundle, which has its own.
  signature TEXT NOT NULL,
  PRIMARY KEY (image_id, kind, payload, signature)
) STRICT;
`;
