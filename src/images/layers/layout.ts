import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestHex, newId } from "#base";
import { spreadDirectoriesIn } from "#linux";
import type { PartialBlobs } from "./partials.ts";

/**
 * The store's directories below the data root; none is open to other users, for layers hold setuid programs.
 *
 *     layers/<diffid hex>/diff           an unpacked layer, in overlayfs form
 *     layers/<diffid hex>/skeleton       its tar without the files' contents
 *     layers/<diffid hex>/kept/<n>       contents that the same layer replaced later
 *     layers/<diffid hex>/packed/<hex>   its compressed bytes as they came, by their digest
 *     l/<number>                         short link to a layer's diff, for mount options
 *     snapshots/<id>/                    writable root file systems
 *     partial/<hex>                      first bytes of a layer whose download broke off, by the blob's digest
 *     tmp/                               half-done things; emptied at start
 */
export type StoreLayout = {
  readonly root: string;
  readonly layers: string;
  readonly links: string;
  readonly snapshots: string;
  readonly partial: string;
  readonly tmp: string;
  layer(diffId: Digest): string;
  /** A fresh path in tmp; nothing is there yet. */
  fresh(kind: string): string;
};

/** Makes the directories. */
export function openLayout(dataRoot: string): StoreLayout {
  const at = (name: string) => {
    const path = join(dataRoot, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const layers = at("layers");
  const partial = at("partial");
  const tmp = at("tmp");
  const snapshots = at("snapshots");
  // Each is a tree of its own. In one place they make ext4 search among all the files that were there before
  // (docs/decisions/0010-layer-store.md).
  for (const directory of [tmp, snapshots]) spreadDirectoriesIn(directory);
  return {
    root: dataRoot,
    layers,
    links: at("l"),
    snapshots,
    partial,
    tmp,
    layer: (diffId) => join(layers, digestHex(diffId)),
    fresh: (kind) => join(tmp, `${kind}-${newId().slice(0, 12)}`),
  };
}

/** Removes what a crash left in tmp, but for what downloads can go on with. Only at start, before anything works there. */
export function emptyTmp(layout: StoreLayout, partials: PartialBlobs): void {
  for (const name of readdirSync(layout.tmp)) {
    const path = join(layout.tmp, name);
    partials.salvage(path);
    rmSync(path, { recursive: true, force: true });
  }
  partials.sweep();
}
