import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Digest, errorMessage, hostRoot, type IdMapping } from "#base";
import {
  createProjectLimits,
  errorCode,
  letContainersThrough,
  mountOverlayByContext,
  mountOverlayByOptions,
  type OverlayMount,
  readMountInfo,
  unmount as unmountPath,
} from "#linux";
import type { Snapshotter } from "../contract.ts";
import { errors } from "../errors.ts";
import type { StoreLayout } from "../layers/layout.ts";
import { type LayerShelf, removeTree } from "../layers/store.ts";
import { findChanges } from "./changes.ts";
import type { SnapshotLedger } from "./ledger.ts";
import { treeSize } from "./usage.ts";

/** How this kernel mounts overlays, found out by a trial. */
export type OverlaySupport = {
  /** "context": fsconfig's lowerdir+ (kernel 6.7). "options": one page of mount(2). */
  readonly call: "context" | "options";
  readonly volatile: boolean;
};

/** fsconfig(2) takes strings of at most 255 bytes. */
const CONTEXT_PATH_LIMIT = 255;

// Features that would let the contents of a layer steer the mount, or that would make a layer depend on others.
const baseOptions = ["index=off", "metacopy=off", "redirect_dir=nofollow"];

function mountOverlay(layout: StoreLayout, call: OverlaySupport["call"], overlay: OverlayMount): void {
  if (call === "context") mountOverlayByContext(overlay);
  else mountOverlayByOptions(overlay, layout.root);
}

/** Mounts a small overlay in tmp to see what works; throws when no way does. */
export function probeOverlay(layout: StoreLayout): OverlaySupport {
  const directory = layout.fresh("probe");
  const at = (name: string) => join(directory, name);
  mkdirSync(directory, { mode: 0o700 });
  for (const name of ["a", "b", "upper", "work", "merged"]) mkdirSync(at(name));
  const calls: readonly OverlaySupport["call"][] =
    join(layout.snapshots, "0".repeat(64), "upper").length < CONTEXT_PATH_LIMIT ? ["context", "options"] : ["options"];
  let failure: unknown;
  try {
    for (const call of calls) {
      for (const volatile of [true, false]) {
        try {
          mountOverlay(layout, call, {
            lowers: [at("a"), at("b")],
            upper: at("upper"),
            work: at("work"),
            target: at("merged"),
            options: volatile ? [...baseOptions, "volatile"] : baseOptions,
          });
        } catch (error) {
          failure = error;
          continue;
        }
        unmountPath(at("merged"));
        return { call, volatile };
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  throw errors.storageDriverBroken("overlay2", errorMessage(failure));
}

/** Root file systems as overlay mounts: `snapshots/<id>/{upper,work,merged}`. */
export function createOverlaySnapshotter(parts: {
  readonly layout: StoreLayout;
  readonly layers: LayerShelf;
  readonly ledger: SnapshotLedger;
  readonly support: OverlaySupport;
  readonly idMapping: IdMapping | undefined;
}): Snapshotter {
  const { layout, layers, ledger, support, idMapping } = parts;
  const mounted = new Set<string>();
  const projects = createProjectLimits(layout.snapshots, "snapshots");
  const at = (id: string, name: string) => join(layout.snapshots, id, name);

  const readMounted = (): Set<string> => {
    const found = new Set<string>();
    for (const { mountPoint } of readMountInfo()) {
      if (!mountPoint.startsWith(`${layout.snapshots}/`) || !mountPoint.endsWith("/merged")) continue;
      found.add(mountPoint.slice(layout.snapshots.length + 1, -"/merged".length));
    }
    return found;
  };
  for (const id of readMounted()) mounted.add(id);

  /**
   * The layers a mount shows, topmost first; those under an opaque root are not visible. Of a layer that an image has twice
   * (an empty one, often) the upper hides the lower whole, and the kernel refuses a directory that is given twice (ELOOP).
   */
  const visible = (diffIds: readonly Digest[]): Digest[] => {
    const shown: Digest[] = [];
    for (const diffId of new Set([...diffIds].reverse())) {
      shown.push(diffId);
      if (layers.isOpaque(diffId)) break;
    }
    return shown;
  };

  const makeDirectories = (id: string, diffIds: readonly Digest[], sizeBytes?: number) => {
    const directory = join(layout.snapshots, id);
    const isNew = mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined;
    // What is made below inherits the project.
    if (isNew && sizeBytes !== undefined && !projects.limit(directory, sizeBytes)) {
      throw errors.snapshotQuotaUnsupported();
    }
    for (const name of ["work", "merged"]) mkdirSync(at(id, name), { recursive: true, mode: 0o700 });
    if (isNew) letContainersThrough(directory, idMapping);
    const upper = at(id, "upper");
    if (existsSync(upper)) return;
    // The root directory of the mount is the upper one: it must look like the image's.
    const top = diffIds.at(-1);
    const status = top === undefined ? undefined : statSync(layers.directoryOf(top));
    mkdirSync(`${upper}.new`, { recursive: true, mode: 0o755 });
    const { uid, gid } = status ?? hostRoot(idMapping);
    chownSync(`${upper}.new`, uid, gid);
    chmodSync(`${upper}.new`, (status?.mode ?? 0o755) & 0o7777);
    renameSync(`${upper}.new`, upper);
  };

  const checkDriver = (id: string) => {
    const entry = ledger.get(id);
    if (entry.driver !== "overlay2") throw errors.snapshotDriverChanged(id, entry.driver, "overlay2");
    return entry;
  };

  const lowersOf = (diffIds: readonly Digest[]): string[] => {
    const lowers = visible(diffIds).map((diffId) => join(layout.root, layers.linkOf(diffId)));
    // Overlay wants a lower directory even under an image without layers (FROM scratch).
    if (lowers.length === 0) lowers.push(join(layout.links, "empty"));
    return lowers;
  };

  const unmount = (id: string) => {
    unmountPath(at(id, "merged"));
    mounted.delete(id);
  };

  return {
    name: "overlay2",
    idMapping,
    prepare: async (id, diffIds, options = {}) => {
      if (ledger.find(id) === undefined) {
        ledger.add(id, { driver: "overlay2", diffIds, discardable: options.discardable === true });
      }
      try {
        makeDirectories(id, diffIds, options.sizeBytes);
      } catch (error) {
        // Nothing is held for a snapshot that never was.
        rmSync(join(layout.snapshots, id), { recursive: true, force: true });
        ledger.remove(id);
        throw error;
      }
    },
    mount: (id) => {
      const { diffIds, discardable } = checkDriver(id);
      const target = at(id, "merged");
      if (mounted.has(id)) return target;
      const volatile = discardable && support.volatile;
      const overlay: OverlayMount = {
        lowers: lowersOf(diffIds),
        upper: at(id, "upper"),
        work: at(id, "work"),
        target,
        options: volatile ? [...baseOptions, "volatile"] : baseOptions,
      };
      // The kernel refuses a second volatile mount, for it cannot know whether the machine went down in between
      // (overlayfs.rst, "Volatile mount"). Nothing discardable outlives that: `sweep` says so.
      if (volatile) rmSync(join(overlay.work, "work", "incompat"), { recursive: true, force: true });
      try {
        mountOverlay(layout, support.call, overlay);
      } catch (error) {
        if (errorCode(error) !== "ENOENT") throw error;
        // A power cut may have taken the directories that a durable row promises.
        makeDirectories(id, diffIds);
        mountOverlay(layout, support.call, overlay);
      }
      mounted.add(id);
      return target;
    },
    unmount,
    isMounted: (id) => mounted.has(id),
    remove: async (id) => {
      const directory = join(layout.snapshots, id);
      if (ledger.find(id) === undefined && !existsSync(directory)) return;
      unmount(id);
      const trash = layout.fresh("trash");
      if (existsSync(directory)) renameSync(directory, trash);
      // Files first: on a full disk it is they that make room for the write.
      await removeTree(trash);
      ledger.remove(id);
    },
    changes: async (id) => {
      const lowers = visible(checkDriver(id).diffIds).map((diffId) => layers.directoryOf(diffId));
      const path = at(id, "upper");
      return existsSync(path) ? findChanges({ kind: "upper", path }, lowers) : [];
    },
    changesDirectory: async (id) => {
      makeDirectories(id, checkDriver(id).diffIds);
      return at(id, "upper");
    },
    usage: async (id) => {
      checkDriver(id);
      try {
        return await treeSize(at(id, "upper"));
      } catch (error) {
        // Taken by a power cut, as in `mount`, or by a removal that is under way.
        if (errorCode(error) === "ENOENT") return 0;
        throw error;
      }
    },
    directories: (id) => {
      const entry = ledger.find(id);
      const lowers = entry?.driver === "overlay2" ? layers.findDirectories(entry.diffIds) : undefined;
      if (lowers === undefined) return undefined;
      return {
        LowerDir: lowers.join(":"),
        MergedDir: at(id, "merged"),
        UpperDir: at(id, "upper"),
        WorkDir: at(id, "work"),
      };
    },
    list: async () => ledger.ids(),
    sweep: async (keep) => {
      for (const id of readMounted()) {
        if (!keep.has(id)) unmount(id);
      }
    },
  };
}
