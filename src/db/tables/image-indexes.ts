import type { Database } from "../database.ts";

/** A row of `image_index`: the index that a name stands for. */
export type ImageIndexRow = { name: string; digest: string };

/** A row of `image_index_member`: an image that is here of a name's index, under the digest of its manifest there. */
export type ImageIndexMemberRow = { name: string; image_id: string; manifest_digest: string };

/** Access to the tables `image_index` and `image_index_member`. Rows go with the name in `image_name`. */
export function imageIndexTable(database: Database) {
  return {
    all: () => database.all<ImageIndexRow>("SELECT * FROM image_index"),
    members: () => database.all<ImageIndexMemberRow>("SELECT * FROM image_index_member"),
    put: (name: string, digest: string) =>
      void database.run("INSERT OR REPLACE INTO image_index (name, digest) VALUES (?, ?)", name, digest),
    delete: (name: string) => void database.run("DELETE FROM image_index WHERE name = ?", name),
    putMember: (row: ImageIndexMemberRow) =>
      void database.run(
        "INSERT OR REPLACE INTO image_index_member (name, image_id, manifest_digest) VALUES (?, ?, ?)",
        row.name,
        row.image_id,
        row.manifest_digest,
      ),
    deleteMember: (name: string, imageId: string) =>
      void database.run("DELETE FROM image_index_member WHERE name = ? AND image_id = ?", name, imageId),
  };
}
