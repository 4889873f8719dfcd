import { existsSync } from "node:fs";
import type { Digest } from "#base";
import { type BuildCacheTable, buildCacheTable, type BuildStepRow, type Database } from "#db";
import type { BuildCacheDocument } from "#formats";
import { type LayerStore, treeSize } from "#images";
import type { CacheMountRecord, CacheMounts } from "../mounts/cache-mounts.ts";
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
  list(): Promise<readonly BuildCacheDocument[]>;
  /** Forgets results and frees their layers, least recently used first. */
  prune(options: PruneOptions): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
  /** Forgets the least recently used results until the rest is no larger than `limitBytes`. */
  trim(limitBytes: number): Promise<void>;
};

/** What a prune takes. */
export type PruneOptions = {
  /** Also digests of files, and cache mounts. */
  readonly all: boolean;
  /** Stop when no more than this is left. */
  readonly keepBytes?: number | undefined;
  /** Only what was last used before. */
  readonly beforeMs?: number | undefined;
  /** Only what this says yes to. */
  readonly filter?: ((document: BuildCacheDocument) => boolean) | undefined;
};

const dayMs = 24 * 60 * 60 * 1000;

/** The cache in the state database. */
export function openBuildCache(parts: {
  readonly database: Database;
  readonly layers: LayerStore;
  readonly cacheMounts: CacheMounts;
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
    list: async () => [
      ...table.listSteps().filter(isShown).map(documentOf),
      ...(await Promise.all(parts.cacheMounts.list().map(mountDocument))),
    ],
    prune: async (options) => {
      // Rows of config edits cost nothing and go with the files'.
      const { beforeMs, filter, keepBytes = 0 } = options;
      const all = table.listSteps();
      const rows = all
        .filter((row) => beforeMs === undefined || row.usedMs < beforeMs)
        .filter((row) => filter === undefined || (isShown(row) && filter(documentOf(row))));
      let total = all.reduce((sum, row) => sum + row.sizeBytes, 0);
      const deleted: string[] = [];
      for (const row of rows) {
        if (keepBytes > 0 && total <= keepBytes) break;
        parts.database.transaction(() => {
          layers.unpin(pinOf(row.key));
          table.deleteStep(row.key);
        });
        total -= row.sizeBytes;
        if (isShown(row)) deleted.push(shownId(row.key));
      }
      const mounts = await pruneMounts(parts.cacheMounts, options, total);
      if (filter === undefined) table.forget(options.all ? now() + dayMs : now() - 30 * dayMs);
      const fromLayers = deleted.length === 0 ? 0 : await layers.collectGarbage();
      return { deleted: [...deleted, ...mounts.deleted], reclaimedBytes: fromLayers + mounts.reclaimedBytes };
    },
    trim: async (limitBytes) => {
      const all = table.listSteps();
      let total = all.reduce((sum, row) => sum + row.sizeBytes, 0);
      if (total <= limitBytes) return;
      for (const row of all) {
        if (total <= limitBytes) break;
        if (!isShown(row)) continue;
        parts.database.transaction(() => {
          layers.unpin(pinOf(row.key));
          table.deleteStep(row.key);
        });
        total -= row.sizeBytes;
      }
      table.forget(now() - 30 * dayMs);
      await layers.collectGarbage();
    },
  };
}

/** Removes cache mounts no step uses: with `all`, or when a filter names them. */
async function pruneMounts(
  cacheMounts: CacheMounts,
  options: PruneOptions,
  otherBytes: number,
): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }> {
  const deleted: string[] = [];
  let reclaimedBytes = 0;
  const { beforeMs, filter, keepBytes = 0 } = options;
  if (!options.all && filter === undefined) return { deleted, reclaimedBytes };
  const documents = new Map<CacheMountRecord, BuildCacheDocument>();
  for (const record of cacheMounts.list()) documents.set(record, await mountDocument(record));
  let total = otherBytes + [...documents.values()].reduce((sum, document) => sum + document.Size, 0);
  for (const [record, document] of documents) {
    if (keepBytes > 0 && total <= keepBytes) break;
    if (beforeMs !== undefined && record.usedMs >= beforeMs) continue;
    if ((filter !== undefined && !filter(document)) || !cacheMounts.remove(record.key)) continue;
    deleted.push(record.key);
    reclaimedBytes += document.Size;
    total -= document.Size;
  }
  return { deleted, reclaimedBytes };
}

async function mountDocument(record: CacheMountRecord): Promise<BuildCacheDocument> {
  return {
    ID: record.key,
    Parents: null,
    Type: "exec.cachemount",
    Description: `cached mount ${record.id.replace(/^\//, "")}`,
    InUse: record.isBusy,
    Shared: false,
    Size: existsSync(record.directory) ? await treeSize(record.directory) : 0,
    CreatedAt: new Date(record.madeMs).toISOString(),
    LastUsedAt: new Date(record.usedMs).toISOString(),
    UsageCount: record.uses,
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
