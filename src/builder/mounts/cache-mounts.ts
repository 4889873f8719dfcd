import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { digestOf, hostOwner, type IdMapping, KeyedMutex, newId } from "#base";
import { type BuildMountTable, buildMountTable, type Database } from "#db";
import { extractInto, tarOfDirectory } from "#images";
import { giveToContainers, letContainersThrough } from "#linux";
import { errors } from "../errors.ts";

/** A cache mount while a step uses it. */
export type HeldCache = {
  /** The host directory that is mounted. */
  readonly directory: string;
  release(): void;
};

export type CacheMountRequest = {
  /** The mount's id with its namespace. */
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked";
  /** Digest of what it starts with; "" for nothing. Another beginning is another cache. */
  readonly base: string;
  readonly owner: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined;
  /** Fills a new one; undefined when it starts empty. */
  readonly fill: ((directory: string) => Promise<void>) | undefined;
};

/** What is known about a cache mount. */
export type CacheMountRecord = {
  readonly key: string;
  readonly id: string;
  readonly directory: string;
  readonly madeMs: number;
  readonly usedMs: number;
  readonly uses: number;
  readonly isBusy: boolean;
};

/** The directories of `RUN --mount=type=cache`, which outlive builds. */
export type CacheMounts = {
  /** Waits its turn when the mount is "locked" and in use. */
  hold(request: CacheMountRequest, signal: AbortSignal): Promise<HeldCache>;
  list(): readonly CacheMountRecord[];
  /** Removes one that no step uses; false when one does or there is none. */
  remove(key: string): boolean;
  /** What the mount of an id holds, as a tar; of several the one used last. Throws not-found. */
  archive(id: string): AsyncIterable<Uint8Array>;
  /**
   * Puts the contents of a tar, perhaps compressed, in the place of a mount's. A mount that steps use now is a conflict.
   * A new one is the kind a `--mount` without uid, gid, mode and from has.
   */
  restore(id: string, tar: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes what a killed daemon left half made. */
  sweep(): void;
};

/** @param root where the directories are kept */
export function openCacheMounts(parts: {
  readonly root: string;
  readonly database: Database;
  readonly now?: () => number;
  readonly idMapping?: IdMapping | undefined;
}): CacheMounts {
  const { idMapping } = parts;
  const table: BuildMountTable = buildMountTable(parts.database);
  const now = parts.now ?? Date.now;
  const users = new Map<string, number>();
  const making = new KeyedMutex();
  const turns = new KeyedMutex();
  const at = (key: string) => join(parts.root, key);

  const make = (key: string, request: CacheMountRequest): Promise<void> =>
    making.run(key, async () => {
      if (table.find(key) !== undefined && existsSync(at(key))) return;
      const draft = join(parts.root, `new-${newId().slice(0, 16)}`);
      mkdirSync(draft, { recursive: true, mode: 0o755 });
      chmodSync(draft, 0o755);
      letContainersThrough(parts.root, idMapping);
      giveToContainers(draft, idMapping);
      try {
        await request.fill?.(draft);
        if (request.owner !== undefined) {
          const { uid, gid } = hostOwner(idMapping, request.owner);
          chownSync(draft, uid, gid);
          chmodSync(draft, request.owner.mode);
        }
        rmSync(at(key), { recursive: true, force: true });
        renameSync(draft, at(key));
      } finally {
        rmSync(draft, { recursive: true, force: true });
      }
      table.save({ key, id: request.id, madeMs: now(), usedMs: now() });
    });

  const take = async (key: string, request: CacheMountRequest): Promise<HeldCache> => {
    users.set(key, (users.get(key) ?? 0) + 1);
    const release = () => {
      const left = (users.get(key) ?? 1) - 1;
      if (left === 0) users.delete(key);
      else users.set(key, left);
    };
    try {
      await make(key, request);
      table.touch(key, now());
      return { directory: at(key), release };
    } catch (error) {
      release();
      throw error;
    }
  };

  /** The mount of an id that was used last; an id may have several, which began with different contents. */
  const latest = (id: string) => table.list().findLast((row) => row.id === storedId(id));

  return {
    hold: async (request, signal) => {
      const key = keyOf(request, 0);
      if (request.sharing === "shared") return take(key, request);
      if (request.sharing === "private") {
        // The first that nobody uses; each keeps what it was used for.
        for (let number = 0; ; number++) {
          const candidate = keyOf(request, number);
          if (!users.has(candidate)) return take(candidate, request);
        }
      }
      const { promise: turn, resolve: next } = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      void turns.run(key, async () => {
        begun.resolve();
        await turn;
      });
      const abort = () => begun.reject(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      try {
        if (signal.aborted) abort();
        await begun.promise;
        const held = await take(key, request);
        return {
          directory: held.directory,
          release: () => {
            held.release();
            next();
          },
        };
      } catch (error) {
        next();
        throw error;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    list: () =>
      table
        .list()
        .map((row) => ({ ...row, directory: at(row.key), isBusy: users.has(row.key) || making.isBusy(row.key) })),
    remove: (key) => {
      if (users.has(key) || making.isBusy(key) || table.find(key) === undefined) return false;
      table.remove(key);
      const trash = join(parts.root, `old-${newId().slice(0, 16)}`);
      if (existsSync(at(key))) {
        renameSync(at(key), trash);
        rmSync(trash, { recursive: true, force: true });
      }
      return true;
    },
    archive: (id) => {
      const found = latest(id);
      const tar =
        found === undefined ? undefined : tarOfDirectory(at(found.key), "/", { contentsOnly: true, idMapping });
      if (tar === undefined) throw errors["build-cache-mount-missing"](id);
      return tar;
    },
    restore: async (id, tar) => {
      const found = latest(id);
      const name = storedId(id);
      const key = found?.key ?? keyOf({ id: name, base: "", owner: undefined }, 0);
      mkdirSync(parts.root, { recursive: true, mode: 0o700 });
      const draft = join(parts.root, `new-${newId().slice(0, 16)}`);
      mkdirSync(draft, { mode: 0o755 });
      letContainersThrough(parts.root, idMapping);
      giveToContainers(draft, idMapping);
      try {
        let sizeBytes = 0;
        const counted = async function* () {
          for await (const chunk of tar) {
            sizeBytes += chunk.length;
            yield chunk;
          }
        };
        await extractInto(draft, "/", counted(), { rootAttributes: true, idMapping });
        if (sizeBytes === 0) throw errors["build-context-invalid"]("the archive is empty");
        // From here on nothing is awaited: no step can begin to use it in between.
        if (users.has(key) || making.isBusy(key)) throw errors["build-cache-mount-busy"](id);
        if (existsSync(at(key))) renameSync(at(key), `${draft}.old`);
        renameSync(draft, at(key));
        table.save({ key, id: found?.id ?? name, madeMs: now(), usedMs: now() });
      } finally {
        for (const left of [draft, `${draft}.old`]) rmSync(left, { recursive: true, force: true });
      }
    },
    sweep: () => {
      if (!existsSync(parts.root)) return;
      const known = new Set(table.list().map((row) => row.key));
      for (const name of readdirSync(parts.root)) {
        if (!known.has(name)) rmSync(join(parts.root, name), { recursive: true, force: true });
      }
    },
  };
}

/** Ids are kept with their namespace (BUILDKIT_CACHE_MOUNT_NS) and a slash; without one that is only the slash. */
function storedId(id: string): string {
  return /^[^/]+\/\//.test(id) ? id : `/${id}`;
}

function keyOf(request: Pick<CacheMountRequest, "id" | "base" | "owner">, number: number): string {
  const text = JSON.stringify({ id: request.id, base: request.base, owner: request.owner ?? null, number });
  return digestOf(text).slice("sha256:".length);
}
