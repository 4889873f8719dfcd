/** Schema of images; see `src/db/tables/image*.ts` and `layer*.ts`. */
export const sql = `
CREATE TABLE image (
  id TEXT PRIMARY KEY,
  -- The config's bytes: their digest is the id, so they are never written anew.
  config BLOB NOT NULL,
  parent_id TEXT,
  manifest_digest TEXT,
  size_bytes INTEGER NOT NULL,
  last_tagged_ms INTEGER NOT NULL
) STRICT;

-- name: fully qualified, "docker.io/library/debian:bookworm" or "docker.io/library/debian@sha256:…".
CREATE TABLE image_name (
  name TEXT PRIMARY KEY,
  image_id TEXT NOT NULL REFERENCES image (id)
) STRICT;
CREATE INDEX image_name_by_image ON image_name (image_id);

-- Small documents of images by digest: manifests as they were pulled or loaded.
CREATE TABLE image_document (
  digest TEXT PRIMARY KEY,
  media_type TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;

-- number: its base 36 names the link of the layer's directory; never used again.
CREATE TABLE layer (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  diff_id TEXT NOT NULL UNIQUE,
  size_bytes INTEGER NOT NULL,
  tar_bytes INTEGER NOT NULL
) STRICT;

-- What holds a layer besides images and snapshots: a build's cache, a pull that goes on later.
CREATE TABLE layer_pin (
  owner TEXT NOT NULL,
  diff_id TEXT NOT NULL,
  PRIMARY KEY (owner, diff_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE layer_snapshot (
  id TEXT PRIMARY KEY,
  driver TEXT NOT NULL,
  -- JSON list of diff ids, bottom first.
  diff_ids TEXT NOT NULL,
  discardable INTEGER NOT NULL
) STRICT;
`;
