import type { Digest } from "#base";
import { type BuildCacheTable, buildCacheTable, type BuildStepRow, type Database } from "#db";
import type { BuildCacheDocument } from "#formats";
import type { LayerStore } from "#images";
import { createFileDigests, type FileDigests } from "./file-digests.ts";

/** A step's remembered result. */
export type CachedStep = Pick<BuildStepRow, "diffId" | "created">;

/** Results of build steps by key. A row holds (pins) its layer, so that a prune of images does not empty the cache. */
export type BuildCache = {
  /** A hit is a look-up, no file is touched; a result whose layer has gone is none. */
  find(key: string): CachedStep | undefined;
  save(key: string, step: CachedStep & { readonly description: string }): void;
  /** Notes that these were used; once a build, as it is a durable write. */
  touch(keys: readonly string[]): void;
  /** Digests of what was copied out of layers. */
  readonly selections: { find(key: string): string | undefined; save(key: string, digest: string): void };
  /** A fresh view for one build; `flush` it at the end. */
  fileDigests(): FileDigests;
  /** As `docker system df -v` shows it. */
  list(): readonly BuildCacheDocument[];
  /** Forgets results and frees their layers, least recently used first. */
  prune(options: {
    readonly all: boolean;
    readonly keepBytes?: number | undefined;
    readonly beforeMs?: number | undefined;
  }): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
};

const dayMs = 24 * 60 * 60 * 1000;

/** The cache in the state database. */
export function openBuildCache(parts: {
  readonly database: Database;
  readonly layers: LayerStore;
  readonly now?: () => number;
}): BuildCache {
  const table: BuildCacheTable = buildCacheTable(parts.database);
  const { layers } = parts;
  const now = parts.now ?? Date.now;
  const pinOf = (key: string) => `build:${key}`;
  return {
    find: (key) => {
      const row = table.findStep(key);
      if (row === undefined || (row.diffId !== undefined && !layers.has(row.diffId))) return undefined;
      return row;
    },
    save: (key, { diffId, created, description }) => {
      const sizeBytes = diffId === undefined ? 0 : layers.sizeOf(diffId);
      parts.database.transaction(() => {
        layers.unpin(pinOf(key));
        if (diffId !== undefined) layers.pin(pinOf(key), [diffId]);
        table.saveStep({ key, diffId, sizeBytes, created, description, madeMs: now(), usedMs: now() });
      });
    },
    touch: (keys) => {
      if (keys.length > 0) table.touchSteps(keys, now());
    },
    selections: {
      find: (key) => table.findSelection(key),
      save: (key, digest) => table.saveSelection(key, digest, now()),
    },
    fileDigests: () => createFileDigests(table, now),
    list: () => table.listSteps().filter(isShown).map(documentOf),
    prune: async (options) => {
      // Rows of config edits cost nothing and go with the files'.
      const rows = table.listSteps().filter((row) => options.beforeMs === undefined || row.usedMs < options.beforeMs);
      let total = table.listSteps().reduce((sum, row) => sum + row.sizeBytes, 0);
      const deleted: string[] = [];
      for (const row of rows) {
        if (options.keepBytes !== undefined && options.keepBytes > 0 && total <= options.keepBytes) break;
        parts.database.transaction(() => {
          layers.unpin(pinOf(row.key));
          table.deleteStep(row.key);
        });
        total -= row.sizeBytes;
        if (isShown(row)) deleted.push(shownId(row.key));
      }
      table.forget(options.all ? now() + dayMs : now() - 30 * dayMs);
      const reclaimedBytes = deleted.length === 0 ? 0 : await layers.collectGarbage();
      return { deleted, reclaimedBytes };
    },
  };
}

function isShown(row: { readonly diffId: Digest | undefined }): boolean {
  return row.diffId !== undefined;
}

function shownId(key: string): string {
  return key.slice("sha256:".length);
}

function documentOf(row: BuildStepRow): BuildCacheDocument {
  return {
    ID: shownId(row.key),
    Parents: null,
    Type: "regular",
    Description: row.description,
    InUse: false,
    Shared: false,
    Size: row.sizeBytes,
    CreatedAt: new Date(row.madeMs).toISOString(),
    LastUsedAt: new Date(row.usedMs).toISOString(),
    UsageCount: row.uses,
  };
}
