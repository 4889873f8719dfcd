import type { Database } from "../database.ts";

/** A row of `image`; `config` holds the bytes whose digest is `id`. */
export type ImageRow = {
  id: string;
  config: Uint8Array;
  parent_id: string | null;
  manifest_digest: string | null;
  size_bytes: number;
  last_tagged_ms: number;
};

/** A row of `image_name`: a fully qualified tag or digest reference. */
export type ImageNameRow = { name: string; image_id: string };

/** A row of `image_document`: a manifest's bytes by their digest. */
export type ImageDocumentRow = { digest: string; media_type: string; bytes: Uint8Array };

/** Access to the tables `image`, `image_name` and `image_document`. */
export function imageTable(database: Database) {
  return {
    all: () => database.all<ImageRow>("SELECT * FROM image"),
    names: () => database.all<ImageNameRow>("SELECT * FROM image_name"),
    insert: (row: ImageRow) =>
      void database.run(
        "INSERT INTO image (id, config, parent_id, manifest_digest, size_bytes, last_tagged_ms) VALUES (?, ?, ?, ?, ?, ?)",
        row.id,
        row.config,
        row.parent_id,
        row.manifest_digest,
        row.size_bytes,
        row.last_tagged_ms,
      ),
    setLastTagged: (id: string, ms: number) =>
      void database.run("UPDATE image SET last_tagged_ms = ? WHERE id = ?", ms, id),
    setParent: (id: string, parent: string) =>
      void database.run("UPDATE image SET parent_id = ? WHERE id = ?", parent, id),
    setManifest: (id: string, digest: string) =>
      void database.run("UPDATE image SET manifest_digest = ? WHERE id = ?", digest, id),
    delete: (id: string) => void database.run("DELETE FROM image WHERE id = ?", id),
    setName: (name: string, imageId: string) =>
      void database.run(
        "INSERT INTO image_name (name, image_id) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id",
        name,
        imageId,
      ),
    deleteName: (name: string) => void database.run("DELETE FROM image_name WHERE name = ?", name),
    document: (digest: string) =>
      database.get<ImageDocumentRow>("SELECT * FROM image_document WHERE digest = ?", digest),
    putDocument: (row: ImageDocumentRow) =>
      void database.run(
        "INSERT OR IGNORE INTO image_document (digest, media_type, bytes) VALUES (?, ?, ?)",
        row.digest,
        row.media_type,
        row.bytes,
      ),
    deleteUnusedDocuments: () =>
      void database.run(
        `DELETE FROM image_document WHERE digest NOT IN (
           SELECT manifest_digest FROM image WHERE manifest_digest IS NOT NULL
           UNION SELECT digest FROM image_index
           UNION SELECT manifest_digest FROM image_index_member)`,
      ),
  };
}
