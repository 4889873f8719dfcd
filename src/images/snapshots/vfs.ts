import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Digest, IdMapping } from "#base";
import {
  closeFd,
  copyTree,
  FILE_TYPE,
  giveToContainers,
  letContainersThrough,
  openAt,
  O,
  openDirectory,
  S_IFMT,
  toByteString,
  tryMakeDirectoryAt,
  tryMakeNodeAt,
} from "#linux";
import type { Snapshotter } from "../contract.ts";
import { errors } from "../errors.ts";
import { makeDirectoryDurable, makeTreeDurable } from "../layers/durable.ts";
import type { StoreLayout } from "../layers/layout.ts";
import { type LayerShelf, removeTree } from "../layers/store.ts";
import { findChanges } from "./changes.ts";
import type { SnapshotLedger } from "./ledger.ts";
import { treeSize } from "./usage.ts";

/** Root file systems as plain copies: `snapshots/<id>/rootfs`. Slow and large, but works on any file system. */
export function createCopySnapshotter(parts: {
  readonly layout: StoreLayout;
  readonly layers: LayerShelf;
  readonly ledger: SnapshotLedger;
  readonly idMapping: IdMapping | undefined;
}): Snapshotter {
  const { layout, layers, ledger, idMapping } = parts;
  const mounted = new Set<string>();
  const rootOf = (id: string) => join(layout.snapshots, id, "rootfs");

  const checkDriver = (id: string) => {
    const entry = ledger.get(id);
    if (entry.driver !== "vfs") throw errors.snapshotDriverChanged(id, entry.driver, "vfs");
    return entry;
  };

  const lowersOf = (diffIds: readonly Digest[]) => [...diffIds].reverse().map((diffId) => layers.directoryOf(diffId));

  const copyLayers = async (diffIds: readonly Digest[], target: string) => {
    mkdirSync(target, { mode: 0o755 });
    giveToContainers(target, idMapping);
    for (const diffId of diffIds) {
      if (layers.isOpaque(diffId)) {
        await removeTree(target);
        mkdirSync(target, { mode: 0o755 });
      }
      await copyTree(layers.directoryOf(diffId), target, { form: "overlay-layer" });
    }
  };

  /** The changes as an overlay's upper directory would hold them. */
  const computeUpper = async (id: string): Promise<string> => {
    const { diffIds } = checkDriver(id);
    const changes = findChanges({ kind: "whole", path: rootOf(id) }, lowersOf(diffIds));
    const wanted = new Map(changes.map((change) => [toByteString(change.path).slice(1), change.kind]));
    // Beside the root file system, so that it goes with it when nobody makes a layer of it.
    const upper = join(layout.snapshots, id, "changes");
    await removeTree(upper);
    await copyTree(rootOf(id), upper, {
      filter: (path, status) =>
        wanted.has(path) && (wanted.get(path) !== "deleted" || (status.mode & S_IFMT) === FILE_TYPE.directory),
    });
    const upperFd = openDirectory(toByteString(upper));
    try {
      for (const [path, kind] of wanted) {
        if (kind !== "deleted") continue;
        const slash = path.lastIndexOf("/");
        const parentPath = slash < 0 ? "." : path.slice(0, slash);
        tryMakeDirectoryAt(upperFd, parentPath, 0o755);
        const parent = openAt(upperFd, parentPath, O.readOnly | O.directory | O.noFollow);
        tryMakeNodeAt(parent, path.slice(slash + 1), FILE_TYPE.character, 0, 0);
        closeFd(parent);
      }
    } finally {
      closeFd(upperFd);
    }
    return upper;
  };

  return {
    name: "vfs",
    idMapping,
    prepare: async (id, diffIds, options = {}) => {
      if (options.sizeBytes !== undefined) throw errors.snapshotQuotaUnsupported();
      if (ledger.find(id) === undefined) {
        ledger.add(id, { driver: "vfs", diffIds, discardable: options.discardable === true });
      }
      if (existsSync(rootOf(id))) return;
      const directory = layout.fresh("snapshot");
      mkdirSync(directory, { mode: 0o700 });
      letContainersThrough(directory, idMapping);
      await copyLayers(diffIds, join(directory, "rootfs"));
      if (options.discardable !== true) await makeTreeDurable(directory);
      if (existsSync(join(layout.snapshots, id))) await removeTree(join(layout.snapshots, id));
      renameSync(directory, join(layout.snapshots, id));
      if (options.discardable !== true) await makeDirectoryDurable(layout.snapshots);
    },
    mount: (id) => {
      checkDriver(id);
      const root = rootOf(id);
      if (!existsSync(root)) throw errors.snapshotMissing(id);
      mounted.add(id);
      return root;
    },
    unmount: (id) => void mounted.delete(id),
    isMounted: (id) => mounted.has(id),
    remove: async (id) => {
      const directory = join(layout.snapshots, id);
      mounted.delete(id);
      if (ledger.find(id) === undefined && !existsSync(directory)) return;
      const trash = layout.fresh("trash");
      if (existsSync(directory)) renameSync(directory, trash);
      // Files first: on a full disk it is they that make room for the write.
      await removeTree(trash);
      ledger.remove(id);
    },
    changes: async (id) => findChanges({ kind: "whole", path: rootOf(id) }, lowersOf(checkDriver(id).diffIds)),
    changesDirectory: computeUpper,
    usage: async (id) => {
      const { diffIds } = checkDriver(id);
      const below = diffIds.reduce((sum, diffId) => sum + layers.sizeOf(diffId), 0);
      return Math.max(0, (await treeSize(rootOf(id))) - below);
    },
    directories: () => undefined,
    list: async () => ledger.ids(),
    sweep: async () => {},
  };
}
