import type { Digest } from "#base";
import { type Database, layerTable } from "#db";
import { errors } from "../errors.ts";
import type { LayerShelf } from "../layers/store.ts";

export type SnapshotEntry = {
  readonly driver: string;
  /** Bottom first. */
  readonly diffIds: readonly Digest[];
  readonly discardable: boolean;
};

/** Which snapshots there are and what they stand on; durable, and what keeps their layers from being collected. */
export type SnapshotLedger = {
  get(id: string): SnapshotEntry;
  find(id: string): SnapshotEntry | undefined;
  add(id: string, entry: SnapshotEntry): void;
  remove(id: string): void;
  ids(): string[];
  drivers(): ReadonlySet<string>;
};

/** Ids become directory names; they are made by the engine, but nothing else may ever get here. */
function checkId(id: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(id)) throw errors.snapshotMissing(JSON.stringify(id));
}

/** Opens the ledger and makes its snapshots hold their layers. */
export function openSnapshotLedger(database: Database, layers: LayerShelf): SnapshotLedger {
  const table = layerTable(database);
  const entries = new Map<string, SnapshotEntry>(
    table
      .snapshots()
      .map((row) => [
        row.id,
        { driver: row.driver, diffIds: JSON.parse(row.diff_ids) as Digest[], discardable: row.discardable === 1 },
      ]),
  );
  layers.addHolder(function* () {
    for (const entry of entries.values()) yield* entry.diffIds;
  });
  return {
    get: (id) => {
      const entry = entries.get(id);
      if (entry === undefined) throw errors.snapshotMissing(id);
      return entry;
    },
    find: (id) => entries.get(id),
    add: (id, entry) => {
      checkId(id);
      for (const diffId of entry.diffIds) if (!layers.has(diffId)) throw errors.layerMissing(diffId);
      table.insertSnapshot({
        id,
        driver: entry.driver,
        diff_ids: JSON.stringify(entry.diffIds),
        discardable: entry.discardable ? 1 : 0,
      });
      entries.set(id, entry);
    },
    remove: (id) => {
      if (!entries.has(id)) return;
      table.deleteSnapshot(id);
      entries.delete(id);
    },
    ids: () => [...entries.keys()],
    drivers: () => new Set([...entries.values()].map((entry) => entry.driver)),
  };
}
