import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFileSystem } from "#linux";
import type { ObjectStore } from "./object-store.ts";

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR";
}

/**
 * Objects as files below a directory: written beside, synced, renamed into place, and the directory synced, so that an
 * acknowledged object survives a power cut and a half one is never seen.
 */
export function openDiskObjects(root: string): ObjectStore {
  const data = join(root, "data");
  const temporary = join(root, "tmp");
  // What a server that was killed had renamed but not yet synced can be seen, and a push may build on it: it is synced
  // before anything else is acknowledged.
  const settled = existsSync(data) ? syncFileSystem(root) : Promise.resolve();
  // Told to whoever waits for it.
  settled.catch(() => {});
  mkdirSync(data, { recursive: true, mode: 0o700 });
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  // What a crash left half written.
  for (const name of readdirSync(temporary)) rmSync(join(temporary, name), { recursive: true, force: true });
  const durableDirectories = new Set([data]);

  const pathOf = (key: string) => join(data, key);

  /** Makes a directory whose entry in each of its parents is on disk. */
  const ensureDirectory = async (path: string): Promise<void> => {
    if (durableDirectories.has(path)) return;
    await ensureDirectory(dirname(path));
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    });
    await syncDirectory(dirname(path));
    durableDirectories.add(path);
  };

  const land = async (path: string, key: string) => {
    const place = pathOf(key);
    await ensureDirectory(dirname(place));
    await settled;
    await rename(path, place);
    await syncDirectory(dirname(place));
  };

  const discard = (key: string) => rm(pathOf(key), { force: true });

  async function* walk(prefix: string): AsyncGenerator<string> {
    let entries;
    try {
      entries = await readdir(pathOf(prefix), { withFileTypes: true });
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    for (const entry of entries) {
      if (entry.isDirectory()) yield* walk(`${prefix}${entry.name}/`);
      else yield `${prefix}${entry.name}`;
    }
  }

  return {
    find: async (key) => {
      try {
        const facts = await stat(pathOf(key));
        return facts.isFile() ? { sizeBytes: facts.size, modifiedMs: facts.mtimeMs } : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    read: async (key) => {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    body: async (key, range) => {
      const file = Bun.file(pathOf(key));
      return range === undefined ? file : file.slice(range.start, range.end + 1);
    },
    write: async (key, bytes) => {
      const path = join(temporary, randomUUID());
      const handle = await open(path, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } catch (error) {
        await handle.close();
        await rm(path, { force: true });
        throw error;
      }
      await handle.close();
      await land(path, key);
    },
    adopt: async (key, path) => {
      const handle = await open(path, "r+");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      await land(path, key);
    },
    delete: async (key) => {
      await discard(key);
      await syncDirectory(dirname(pathOf(key))).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
    discard,
    list: walk,
  };
}
