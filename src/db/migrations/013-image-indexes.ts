/** Names that stand for images of several platforms; see `src/db/tables/image-indexes.ts`. */
export const sql = `
-- The index (a document) that a name of image_name was pulled, loaded or built with.
CREATE TABLE image_index (
  name TEXT PRIMARY KEY REFERENCES image_name (name) ON DELETE CASCADE,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The images of that index that are here, the one in image_name among them.
CREATE TABLE image_index_member (
  name TEXT NOT NULL REFERENCES image_index (name) ON DELETE CASCADE,
  image_id TEXT NOT NULL REFERENCES image (id),
  manifest_digest TEXT NOT NULL,
  PRIMARY KEY (name, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_index_member_by_image ON image_index_member (image_id);
`;
