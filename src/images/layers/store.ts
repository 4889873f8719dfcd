import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  containerOwner,
  type Digest,
  digestHex,
  EngineError,
  errorMessage,
  type FileOwner,
  hostOwner,
  type IdMapping,
  isDigest,
  KeyedMutex,
  type Logger,
} from "#base";
import { type Database, layerTable, packedLayerTable } from "#db";
import { closeFd, copyTree, findAttributeAt, openDirectory, removeTreeAt, toByteString } from "#linux";
import type { ApplyOptions, LayerLease, LayerStore } from "../contract.ts";
import { errors } from "../errors.ts";
import { describeLayer } from "./describe.ts";
import { makeDirectoryDurable, makeTreeDurable } from "./durable.ts";
import { removeMountPoints } from "./mount-points.ts";
import { layerTar } from "./layer-tar.ts";
import type { StoreLayout } from "./layout.ts";
import {
  createPackedWriter,
  hasPlaceToKeep,
  isIntact,
  type PackedLayer,
  readPacked,
  removePacked,
  wholeSource,
} from "./packed.ts";
import type { PartialBlobs } from "./partials.ts";
import { type LayerFacts, unpackLayer } from "./unpack.ts";

/** A new layer that nothing holds yet is safe from garbage collection for so long. */
const FRESH_MS = 60 * 60 * 1000;

/** The layer store with what only its neighbours in this folder need. */
export type LayerShelf = LayerStore & {
  /** Short link to the layer's directory, relative to the data root: "l/2s". */
  linkOf(diffId: Digest): string;
  /** True when the layer hides everything below it, its root being opaque. */
  isOpaque(diffId: Digest): boolean;
  /** Layers that an image has taken over: its removal may collect them at once. */
  taken(diffIds: readonly Digest[]): void;
  /** Adds a source of references that keep layers. */
  addHolder(holder: () => Iterable<Digest>): void;
};

type Entry = {
  readonly number: number;
  readonly sizeBytes: number;
  readonly tarBytes: number;
  opaque?: boolean;
  packed: readonly PackedLayer[];
};

/** What a layer takes on the disk. */
function diskBytes(entry: Entry): number {
  return entry.packed.reduce((sum, { sizeBytes }) => sum + sizeBytes, entry.sizeBytes);
}

/** After a failure that says nothing against the bytes that came before it: a connection, a registry, somebody's patience. */
function mayBeGoneOnWith(error: unknown): boolean {
  if (error instanceof EngineError) return error.kind !== "invalid" && error.kind !== "unsupported";
  return error instanceof Error && error.name === "AbortError";
}

/** Removes a tree without stopping this thread; names that are no UTF-8 take the slow way. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
  if (!existsSync(path)) return;
  const slash = path.lastIndexOf("/");
  const parent = openDirectory(toByteString(path.slice(0, slash)));
  try {
    removeTreeAt(parent, toByteString(path.slice(slash + 1)));
  } finally {
    closeFd(parent);
  }
}

/** Opens the store of layers and repairs what a crash left: rows without directories, directories without rows. */
export function openLayerStore(parts: {
  readonly layout: StoreLayout;
  readonly partials: PartialBlobs;
  readonly database: Database;
  readonly logger: Logger;
  /** Whether layers are kept as they came, too. */
  readonly keepPacked: boolean;
  readonly idMapping: IdMapping | undefined;
}): LayerShelf {
  const { layout, partials, database, logger, keepPacked, idMapping } = parts;
  const table = layerTable(database);
  const packedTable = packedLayerTable(database);
  const entries = new Map<Digest, Entry>();
  const holders: (() => Iterable<Digest>)[] = [];
  const leases = new Set<Set<Digest>>();
  const pins = new Map<string, Set<Digest>>();
  const fresh = new Map<Digest, number>();
  const damaged = new Map<Digest, string>();
  /** Left by a crash; removed with the first garbage. */
  const strays: string[] = [];
  const landing = new KeyedMutex();
  const flights = new Map<Digest, Promise<unknown>>();

  const linkPath = (number: number) => join("l", number.toString(36));

  const makeLink = (number: number, diffId: Digest) => {
    const link = join(layout.root, linkPath(number));
    rmSync(link, { force: true });
    symlinkSync(join("../layers", digestHex(diffId), "diff"), link);
  };

  const repair = () => {
    const present = new Set(readdirSync(layout.layers));
    for (const row of table.all()) {
      const hex = digestHex(row.diff_id);
      if (!present.delete(hex)) {
        logger.error("a layer's directory is missing; its images need to be loaded again", { layer: row.diff_id });
        table.delete(row.diff_id);
        continue;
      }
      entries.set(row.diff_id, { number: row.number, sizeBytes: row.size_bytes, tarBytes: row.tar_bytes, packed: [] });
    }
    for (const { diff_id: diffId, digest, compression, size_bytes: sizeBytes } of packedTable.all()) {
      const entry = entries.get(diffId);
      if (entry === undefined || (compression !== "gzip" && compression !== "zstd")) continue;
      entry.packed = [...entry.packed, { digest, compression, sizeBytes }];
    }
    for (const stray of present) {
      const path = layout.fresh("stray");
      renameSync(join(layout.layers, stray), path);
      strays.push(path);
    }
    // The lower directory of images without layers.
    mkdirSync(join(layout.links, "empty"), { recursive: true, mode: 0o755 });
    const links = new Set(readdirSync(layout.links));
    links.delete("empty");
    for (const [diffId, { number }] of entries) {
      const name = number.toString(36);
      const isRight =
        links.delete(name) && readlinkSync(join(layout.links, name)) === `../layers/${digestHex(diffId)}/diff`;
      if (!isRight) makeLink(number, diffId);
    }
    for (const stray of links) rmSync(join(layout.links, stray), { force: true });
    for (const { diff_id, reason } of table.damaged()) {
      if (entries.has(diff_id)) damaged.set(diff_id, reason);
      else table.clearDamaged(diff_id);
    }
    for (const { owner, diff_id } of table.pins()) {
      pins.set(owner, (pins.get(owner) ?? new Set<Digest>()).add(diff_id));
    }
  };
  repair();

  const get = (diffId: Digest): Entry => {
    const entry = entries.get(diffId);
    if (entry === undefined) throw errors.layerMissing(diffId);
    return entry;
  };

  const dropPacked = (diffId: Digest, digest: Digest) => {
    const entry = entries.get(diffId);
    if (entry === undefined) return;
    packedTable.delete(diffId, digest);
    entry.packed = entry.packed.filter((packed) => packed.digest !== digest);
    removePacked(layout.layer(diffId), digest);
  };
  // Somebody who no longer wants them wants their place.
  if (!keepPacked) {
    for (const [diffId, { packed }] of entries) for (const { digest } of packed) dropPacked(diffId, digest);
  }

  const directoryOf = (diffId: Digest) => join(layout.layer(diffId), get(diffId) && "diff");
  const isWhole = (diffId: Digest) => entries.has(diffId) && !damaged.has(diffId);

  /** Moves a whole, durable layer from tmp to its place. The row is what makes it exist. */
  const land = (directory: string, facts: LayerFacts, packed?: PackedLayer) =>
    landing.run(facts.diffId, async () => {
      const { diffId, sizeBytes, tarBytes } = facts;
      const forms = packed === undefined ? [] : [packed];
      const noteForms = () => {
        for (const { digest, compression, sizeBytes: size_bytes } of forms) {
          packedTable.insert({ diff_id: diffId, digest, compression, size_bytes });
        }
      };
      fresh.set(diffId, Date.now());
      const place = layout.layer(diffId);
      if (damaged.has(diffId)) {
        // What was there stays in tmp until the next start: a container may run on it.
        if (existsSync(place)) renameSync(place, layout.fresh("damaged"));
        renameSync(directory, place);
        await makeDirectoryDurable(layout.layers);
        database.transaction(() => {
          table.clearDamaged(diffId);
          packedTable.deleteAllOf(diffId);
          noteForms();
        });
        damaged.delete(diffId);
        get(diffId).packed = forms;
        return { diffId, sizeBytes };
      }
      if (entries.has(diffId)) {
        await removeTree(directory);
        return { diffId, sizeBytes };
      }
      // Without a row it is a left-over.
      if (existsSync(place)) renameSync(place, layout.fresh("stray"));
      renameSync(directory, place);
      await makeDirectoryDurable(layout.layers);
      database.transaction(() => {
        const number = table.insert({ diff_id: diffId, size_bytes: sizeBytes, tar_bytes: tarBytes });
        noteForms();
        makeLink(number, diffId);
        entries.set(diffId, { number, sizeBytes, tarBytes, packed: forms });
      });
      return { diffId, sizeBytes };
    });

  const unpack = async (tar: AsyncIterable<Uint8Array>, options: ApplyOptions) => {
    const directory = layout.fresh("layer");
    const isKept = keepPacked && options.packedDigest !== undefined && hasPlaceToKeep(layout.root);
    const writer = isKept ? createPackedWriter(directory, options.packedDigest) : undefined;
    const source = wholeSource(tar, (chunk) => writer?.write(chunk));
    try {
      const facts = await unpackLayer(source.reader, directory, idMapping, options.onBytes);
      if (options.expected !== undefined && facts.diffId !== options.expected) {
        throw errors.layerDigestMismatch(options.expected, facts.diffId);
      }
      // To its end: only then has whoever sends it said that it was all right.
      if (options.packedDigest !== undefined) await source.drain();
      const packed = writer?.close();
      options.onRead?.();
      if (!isWhole(facts.diffId)) await makeTreeDurable(directory, facts.sizeBytes + (packed?.sizeBytes ?? 0));
      const landed = await land(directory, facts, packed);
      if (options.packedDigest !== undefined) partials.drop(options.packedDigest);
      return landed;
    } catch (error) {
      writer?.close();
      if (mayBeGoneOnWith(error)) partials.salvage(directory);
      else if (options.packedDigest !== undefined) partials.drop(options.packedDigest);
      await removeTree(directory);
      throw error;
    } finally {
      await source.close();
    }
  };

  /** Owners that are the host's own were made by a container under `--userns=host`, which calls them so. */
  const ownerInLayer =
    idMapping === undefined
      ? undefined
      : (status: FileOwner) => hostOwner(idMapping, containerOwner(idMapping, status));

  const describe = async (directory: string) => {
    try {
      const facts = await describeLayer(directory, idMapping);
      if (!isWhole(facts.diffId)) await makeTreeDurable(directory, facts.sizeBytes);
      return await land(directory, facts);
    } catch (error) {
      await removeTree(directory);
      throw error;
    }
  };

  const held = (): Set<Digest> => {
    const all = new Set<Digest>();
    for (const holder of holders) for (const diffId of holder()) all.add(diffId);
    for (const diffId of all) fresh.delete(diffId);
    for (const lease of leases) for (const diffId of lease) all.add(diffId);
    for (const pin of pins.values()) for (const diffId of pin) all.add(diffId);
    const oldest = Date.now() - FRESH_MS;
    for (const [diffId, since] of fresh) {
      if (since > oldest) all.add(diffId);
      else fresh.delete(diffId);
    }
    return all;
  };

  return {
    has: isWhole,
    list: () => [...entries.keys()],
    isListed: (diffId) => entries.has(diffId),
    verify: async (diffId, onBytes = () => {}) => {
      get(diffId);
      let reason: string | undefined;
      try {
        for await (const chunk of layerTar(layout.layer(diffId), diffId)) onBytes(chunk.byteLength);
        for (const packed of get(diffId).packed) {
          if (await isIntact(layout.layer(diffId), packed)) continue;
          logger.warn("a layer's compressed form was damaged and has been given up", { layer: diffId });
          dropPacked(diffId, packed.digest);
        }
      } catch (error) {
        reason = errorMessage(error);
      }
      // Removed meanwhile: then there is nothing to be damaged.
      if (!entries.has(diffId)) return undefined;
      if (reason === undefined) {
        if (damaged.delete(diffId)) table.clearDamaged(diffId);
        return undefined;
      }
      damaged.set(diffId, reason);
      table.setDamaged(diffId, reason);
      return reason;
    },
    sizeOf: (diffId) => get(diffId).sizeBytes,
    tarSizeOf: (diffId) => get(diffId).tarBytes,
    directoryOf,
    findDirectories: (diffIds) =>
      diffIds.every(isWhole) ? [...new Set(diffIds.toReversed())].map(directoryOf) : undefined,
    linkOf: (diffId) => linkPath(get(diffId).number),
    isOpaque: (diffId) => {
      const entry = get(diffId);
      if (entry.opaque === undefined) {
        const fd = openDirectory(toByteString(join(layout.layer(diffId), "diff")));
        entry.opaque = findAttributeAt(fd, ".", "trusted.overlay.opaque")?.toString() === "y";
        closeFd(fd);
      }
      return entry.opaque;
    },
    apply: async (tar, options = {}) => {
      const { expected } = options;
      if (expected === undefined) return unpack(tar, options);
      if (!isDigest(expected)) throw errors.layerArchiveInvalid(`malformed digest "${String(expected).slice(0, 80)}"`);
      for (;;) {
        const entry = entries.get(expected);
        if (entry !== undefined && !damaged.has(expected)) {
          fresh.set(expected, Date.now());
          return { diffId: expected, sizeBytes: entry.sizeBytes };
        }
        const flight = flights.get(expected);
        if (flight === undefined) break;
        // Someone else unpacks it. When that fails (its source may have gone), we do it ourselves.
        await flight.catch(() => undefined);
      }
      const flight = unpack(tar, options).finally(() => flights.delete(expected));
      flights.set(expected, flight);
      return flight;
    },
    adopt: async (source, options = {}) => {
      const directory = layout.fresh("layer");
      mkdirSync(directory, { mode: 0o700 });
      renameSync(source, join(directory, "diff"));
      removeMountPoints(join(directory, "diff"), options.mountPoints ?? []);
      return describe(directory);
    },
    copyFrom: async (source, options = {}) => {
      const directory = layout.fresh("layer");
      mkdirSync(directory, { mode: 0o700 });
      await copyTree(source, join(directory, "diff"), { ownerOf: ownerInLayer });
      removeMountPoints(join(directory, "diff"), options.mountPoints ?? []);
      return describe(directory);
    },
    packedOf: (diffId) => entries.get(diffId)?.packed ?? [],
    openPacked: (diffId, packed) => {
      get(diffId);
      return readPacked(layout.layer(diffId), packed);
    },
    dropPacked,
    partialOf: (digest, sizeBytes) => partials.find(digest, sizeBytes),
    forgetPartials: () => partials.sweep(true),
    tarOf: (diffId) => {
      get(diffId);
      return layerTar(layout.layer(diffId), diffId);
    },
    lease: (diffIds = []): LayerLease => {
      const lease = new Set(diffIds);
      leases.add(lease);
      const release = () => void leases.delete(lease);
      return { add: (diffId) => void lease.add(diffId), release, [Symbol.dispose]: release };
    },
    pin: (owner, diffIds) => {
      database.transaction(() => {
        for (const diffId of diffIds) table.insertPin({ owner, diff_id: diffId });
      });
      const pinned = pins.get(owner) ?? new Set<Digest>();
      for (const diffId of diffIds) pinned.add(diffId);
      pins.set(owner, pinned);
    },
    unpin: (owner) => {
      if (!pins.delete(owner)) return;
      table.deletePins(owner);
    },
    pinOwners: () => [...pins.keys()],
    collectGarbage: async () => {
      const keep = held();
      const trash = strays.splice(0);
      let won = 0;
      // Decided and done in one go, without a pause: whoever takes a layer up next finds it absent, never half there.
      for (const [diffId, entry] of Array.from(entries)) {
        if (keep.has(diffId) || landing.isBusy(diffId)) continue;
        table.delete(diffId);
        table.clearDamaged(diffId);
        damaged.delete(diffId);
        entries.delete(diffId);
        rmSync(join(layout.root, linkPath(entry.number)), { force: true });
        const path = layout.fresh("trash");
        renameSync(layout.layer(diffId), path);
        trash.push(path);
        won += diskBytes(entry);
      }
      for (const path of trash) await removeTree(path);
      return won;
    },
    totalSize: () => [...entries.values()].reduce((sum, entry) => sum + diskBytes(entry), 0),
    taken: (diffIds) => {
      for (const diffId of diffIds) fresh.delete(diffId);
    },
    addHolder: (holder) => void holders.push(holder),
  };
}
