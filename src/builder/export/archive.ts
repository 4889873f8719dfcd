import { type Digest, digestHex } from "#base";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import type { SourceEntry, SourceTree } from "../context/tree.ts";
import { type Blob, documentBlob } from "./blob.ts";
import type { ImageName } from "./choice.ts";
import { archiveIndexEntry, type PackedImage } from "./packed-image.ts";
import { plainEntry } from "../context/plain-entry.ts";

/** A file of an archive. */
type Member = { readonly path: string; readonly blob: Blob };

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/** The files of an OCI layout; with `docker`, of a docker-archive that is an OCI layout too. */
function membersOf(
  packed: PackedImage,
  names: readonly ImageName[],
  options: { readonly docker: boolean; readonly created: string | undefined },
): readonly Member[] {
  const content = [...packed.blobs, ...packed.manifests, packed.root];
  const blobs = [...new Map(content.map((blob) => [blob.digest, blob])).values()].sort((a, b) =>
    a.digest < b.digest ? -1 : 1,
  );
  const entries = names.length === 0 ? [undefined] : names;
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: entries.map((name) => archiveIndexEntry(packed, name, options.created)),
  };
  const manifest = [
    {
      Config: blobPath(packed.config.digest),
      RepoTags: names.length === 0 ? null : names.map(({ familiar }) => familiar),
      Layers: packed.layers.map(({ digest }) => blobPath(digest)),
    },
  ];
  return [
    ...blobs.map((blob) => ({ path: blobPath(blob.digest), blob })),
    { path: "index.json", blob: documentBlob(index, "application/json") },
    ...(options.docker ? [{ path: "manifest.json", blob: documentBlob(manifest, "application/json") }] : []),
    { path: "oci-layout", blob: documentBlob({ imageLayoutVersion: "1.0.0" }, "application/json") },
  ];
}

/** An image as a tar archive. Equal images give equal archives. */
export async function* imageArchive(
  packed: PackedImage,
  names: readonly ImageName[],
  options: { readonly docker: boolean; readonly created: string | undefined },
): AsyncGenerator<Uint8Array, void> {
  const mtimeSeconds = 0;
  for (const path of ["blobs/", "blobs/sha256/"]) {
    yield encodeTarHeader(plainTarHeader({ path, type: "directory", mtimeSeconds }));
  }
  for (const { path, blob } of membersOf(packed, names, options)) {
    yield encodeTarHeader(plainTarHeader({ path, type: "file", sizeBytes: blob.sizeBytes, mtimeSeconds }));
    yield* blob.open();
    const padding = tarPaddingOf(blob.sizeBytes);
    if (padding > 0) yield new Uint8Array(padding);
  }
  yield tarEnd;
}

/** An image as the files of an OCI layout (`tar=false`). Contents are held in memory one at a time. */
export async function imageLayout(
  packed: PackedImage,
  names: readonly ImageName[],
  options: { readonly docker: boolean; readonly created: string | undefined },
  hold: (blob: Blob) => Promise<(buffer: Uint8Array, position: number) => number>,
): Promise<SourceTree> {
  const files = new Map<string, { readonly entry: SourceEntry; readonly read: HeldReader }>();
  const folders = ["", "blobs", "blobs/sha256"].map((path) => plainEntry(path, "directory"));
  for (const { path, blob } of membersOf(packed, names, options)) {
    files.set(path, { entry: plainEntry(path, "file", { sizeBytes: blob.sizeBytes }), read: await hold(blob) });
  }
  const all = [...folders, ...[...files.values()].map(({ entry }) => entry)];
  const parentOf = (path: string) => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
  return {
    find: (path) => all.find((entry) => entry.path === path),
    list: (path) =>
      all
        .filter((entry) => entry.path !== "" && parentOf(entry.path) === path)
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
    digest: (entry) => entry.path.slice(entry.path.lastIndexOf("/") + 1),
    open: (entry) => ({ read: files.get(entry.path)?.read ?? (() => 0), close: () => {} }),
    close: () => {},
  };
}

type HeldReader = (buffer: Uint8Array, position: number) => number;
