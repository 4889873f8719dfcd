import type { IdMapping } from "#base";
import type { IgnoreRules } from "#formats";
import { createExtractor, decompress } from "#images";
import { closeFd, fromByteString, openDirectory, toByteString } from "#linux";
import { createTarParser, plainTarHeader, TarError, type TarHeader } from "#wire";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { canonicalPath, joinPath, readPieces, type SourceEntry, type SourceTree } from "../context/tree.ts";
import { errors } from "../errors.ts";
import { isArchive, streamOf } from "./archive.ts";
import { applyMode, type ModeChange } from "./mode.ts";
import { type Owner, resolveOwner } from "./owner.ts";
import { type Selected, walkSelected } from "./selection.ts";

/** Selected sources of one tree. */
export type CopySource = {
  readonly tree: SourceTree;
  readonly selected: readonly Selected[];
  /** Whether an archive among them is unpacked. */
  readonly unpack: boolean;
};

export type CopyOptions = {
  readonly instruction: "COPY" | "ADD";
  /** Absolute path in the root; with a trailing slash when it must be a directory. */
  readonly destination: string;
  /** `--chown`, unresolved. */
  readonly owner: string | undefined;
  /** Whether files keep their owner when there is no `--chown`; otherwise they become root's. */
  readonly keepsOwner: boolean;
  readonly mode: ModeChange | undefined;
  readonly excludes: IgnoreRules;
  /** The time of everything that is written, in seconds (SOURCE_DATE_EPOCH). */
  readonly epoch?: number | undefined;
  /** BuildKit's habits: many sources need no folder, an unknown owner is root. @default false */
  readonly isLenient?: boolean | undefined;
  /** How the root's owners lie on the host. */
  readonly idMapping: IdMapping | undefined;
};

/** Unmounts the root file system and gives the directory of its changes. */
export type TakeChanges = () => Promise<string>;

/**
 * Copies files into a mounted root file system. Destinations are resolved inside the root whatever links an image put
 * there; nothing outside can be reached. A folder's contents are merged into what is there.
 * @param takeChanges where given, what goes to a place that does not exist yet is written past overlayfs, which takes ten
 *   times as long to make a file as the file system below it
 */
export async function copyInto(
  rootfs: string,
  sources: readonly CopySource[],
  options: CopyOptions,
  takeChanges?: TakeChanges,
): Promise<void> {
  const place = openPlace(rootfs, options);
  const isPlain = takeChanges !== undefined && sources.every((source) => !source.unpack);
  const parents = isPlain ? newPlace(place) : undefined;
  if (parents === undefined || takeChanges === undefined) {
    await copyAll(place, sources, options);
    return;
  }
  const { owner, destination } = place;
  place.close();
  const changes = await takeChanges();
  const directory = toByteString(changes);
  const root = openDirectoryTree(changes);
  const rootFd = openDirectory(directory);
  const close = () => {
    closeFd(rootFd);
    root.close();
  };
  makeParents(rootFd, parents, options.idMapping);
  await copyAll({ root, rootFd, owner, destination, close }, sources, options);
}

/** Where a copy goes: a root, and the destination in it with its links followed. */
type Place = {
  readonly root: SourceTree;
  readonly rootFd: number;
  readonly owner: Owner | undefined;
  readonly destination: string;
  close(): void;
};

function openPlace(rootfs: string, options: CopyOptions): Place {
  const root = openDirectoryTree(rootfs, { attributes: true, idMapping: options.idMapping });
  const rootFd = openDirectory(toByteString(rootfs));
  const close = () => {
    closeFd(rootFd);
    root.close();
  };
  try {
    const lenient = options.isLenient === true;
    const owner = options.owner === undefined ? undefined : resolveOwner(root, options.owner, { lenient });
    if (typeof owner === "string") {
      throw errors["build-copy-invalid"](options.instruction, `unable to convert uid/gid chown string: ${owner}`);
    }
    const destination = canonicalPath(root, toByteString(options.destination));
    if (destination === undefined) {
      throw errors["build-copy-invalid"](options.instruction, `cannot copy to non-directory: ${options.destination}`);
    }
    return { root, rootFd, owner, destination, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The folders above a destination that does not exist, outermost first; undefined when something is there. */
function newPlace({ root, destination }: Place): readonly SourceEntry[] | undefined {
  if (destination === "" || root.find(destination) !== undefined) return undefined;
  const parts = destination.split("/");
  const parents: SourceEntry[] = [];
  for (let count = 1; count < parts.length; count++) {
    const entry = root.find(parts.slice(0, count).join("/"));
    if (entry === undefined) break;
    if (entry.type !== "directory") return undefined;
    parents.push(entry);
  }
  return parents;
}

/** Makes folders in the changes as they are below: what overlayfs does when something in one changes. */
function makeParents(rootFd: number, parents: readonly SourceEntry[], idMapping: IdMapping | undefined): void {
  if (parents.length === 0) return;
  const extractor = createExtractor({ rootFd, whiteouts: "literal", idMapping });
  for (const entry of parents) {
    withoutUmask(() => {
      extractor.entry(headerOf(entry, entry.path, { mode: undefined }, undefined));
      extractor.end();
    });
  }
  extractor.finish();
}

async function copyAll(place: Place, sources: readonly CopySource[], options: CopyOptions): Promise<void> {
  try {
    const copier = createCopier(place, options);
    const count = sources.reduce((sum, source) => sum + source.selected.length, 0);
    try {
      for (const source of sources) {
        for (const selected of source.selected) await copier.copy(source, selected, count);
      }
    } catch (error) {
      copier.abort();
      throw error;
    }
    copier.finish();
  } finally {
    place.close();
  }
}

function createCopier({ root, rootFd, owner, destination }: Place, options: CopyOptions) {
  const fail = (reason: string) => errors["build-copy-invalid"](options.instruction, reason);
  const isFolderPath = options.destination.endsWith("/");
  const extractor = createExtractor({
    rootFd,
    whiteouts: "literal",
    noOverwriteDirectoryNonDirectory: true,
    idMapping: options.idMapping,
    ...(owner === undefined && options.keepsOwner ? {} : { owner: owner ?? { uid: 0, gid: 0 } }),
  });
  /** Folders that did not exist before: nothing in them can be in the way. */
  const fresh = new Set<string>();

  const makeFolder = (path: string): void => {
    if (path === "" || fresh.has(path)) return;
    const existing = root.find(path);
    if (existing !== undefined && existing.type !== "directory") {
      throw fail(`cannot copy to non-directory: /${fromByteString(path)}`);
    }
    if (existing !== undefined) return;
    const slash = path.lastIndexOf("/");
    makeFolder(slash === -1 ? "" : path.slice(0, slash));
    fresh.add(path);
    const mtimeSeconds = options.epoch ?? Math.floor(Date.now() / 1000);
    withoutUmask(() =>
      extractor.entry({
        ...plainTarHeader({ path, type: "directory", mtimeSeconds }),
        // A folder that is made on the way is no copy: --chmod is not for it, but of the classic builder's.
        ...(options.mode === undefined || options.isLenient === true
          ? {}
          : { mode: applyMode(options.mode, 0o755, true) }),
      }),
    );
    withoutUmask(() => extractor.end());
  };

  const writeEntry = async (tree: SourceTree, entry: SourceEntry, path: string, links: Map<string, string>) => {
    const linked = entry.inodeKey === undefined ? undefined : links.get(entry.inodeKey);
    if (entry.inodeKey !== undefined && linked === undefined) links.set(entry.inodeKey, path);
    // Overlayfs's mark of a file that is gone (overlayfs.rst, "whiteouts").
    if (entry.type === "character" && entry.deviceMajor === 0 && entry.deviceMinor === 0) {
      throw fail(`/${fromByteString(entry.path)} is the device 0:0, which cannot be copied`);
    }
    const header = headerOf(entry, path, options, linked);
    withoutUmask(() => extractor.entry(header));
    if (header.type === "file") {
      let written = 0;
      await readPieces(tree, entry, (bytes) => {
        written += bytes.length;
        extractor.data(bytes);
      });
      if (written !== entry.sizeBytes) {
        throw fail(`${fromByteString(entry.path)} changed while it was copied`);
      }
    }
    withoutUmask(() => extractor.end());
  };

  /** Where a folder's member goes; a link to a folder in its place is followed, as an image's /lib -> usr/lib wants. */
  const placeFolder = (path: string, parentIsFresh: boolean): boolean => {
    if (parentIsFresh) return true;
    const existing = root.find(path);
    if (existing?.type !== "symlink") return existing === undefined;
    const target = canonicalPath(root, path);
    if (target === undefined || root.find(target)?.type !== "directory") {
      throw fail(`cannot copy to non-directory: /${fromByteString(path)}`);
    }
    return false;
  };

  const copyFolder = async (source: CopySource, selected: Selected): Promise<void> => {
    makeFolder(destination);
    const links = new Map<string, string>();
    await walkSelected(source.tree, selected.entry, options.excludes, async (entry, relative) => {
      if (relative === "") return;
      const path = joinPath(destination, relative);
      if (entry.type !== "directory") {
        await writeEntry(source.tree, entry, path, links);
        return;
      }
      const slash = path.lastIndexOf("/");
      const isFresh = placeFolder(path, fresh.has(slash === -1 ? "" : path.slice(0, slash)));
      if (isFresh) fresh.add(path);
      else if (root.find(path)?.type === "symlink") return;
      await writeEntry(source.tree, entry, path, links);
    });
  };

  return {
    copy: async (source: CopySource, selected: Selected, count: number): Promise<void> => {
      const { entry, name } = selected;
      if (entry.type === "directory") {
        await copyFolder(source, selected);
        return;
      }
      if (source.unpack && (await isArchive(source.tree, entry))) {
        makeFolder(destination);
        // Until BuildKit 0.23 --chown was the folder's alone.
        await unpackInto({ rootFd, destination, owner }, source.tree, entry, options.idMapping);
        return;
      }
      const intoFolder = isFolderPath || root.find(destination)?.type === "directory" || fresh.has(destination);
      if (!intoFolder && count > 1 && options.isLenient !== true) {
        throw fail(
          `When using ${options.instruction} with more than one source file, the destination must be a directory and end with a /`,
        );
      }
      if (intoFolder) makeFolder(destination);
      else {
        const slash = destination.lastIndexOf("/");
        makeFolder(slash === -1 ? "" : destination.slice(0, slash));
      }
      const path = intoFolder ? joinPath(destination, name) : destination;
      await writeEntry(source.tree, { ...entry, inodeKey: undefined }, path, new Map());
    },
    finish: () => extractor.finish(),
    abort: () => extractor.abort(),
  };
}

/** Runs synchronous work with umask 0, so that modes are what the source says. */
function withoutUmask<T>(work: () => T): T {
  const before = process.umask(0);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

function headerOf(
  entry: SourceEntry,
  path: string,
  { mode, epoch }: Pick<CopyOptions, "mode" | "epoch">,
  linked: string | undefined,
): TarHeader {
  return plainTarHeader({
    path,
    // The attributes of the link's header hold for the file it shares.
    type: linked === undefined ? entry.type : "hardlink",
    linkPath: linked ?? entry.linkTarget,
    mode:
      entry.type === "symlink" || mode === undefined
        ? entry.mode
        : applyMode(mode, entry.mode, entry.type === "directory"),
    uid: entry.uid,
    gid: entry.gid,
    sizeBytes: linked === undefined ? entry.sizeBytes : 0,
    mtimeSeconds: epoch ?? entry.mtimeSeconds,
    mtimeNanoseconds: epoch === undefined ? entry.mtimeNanoseconds : 0,
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
    attributes: entry.attributes,
  });
}

/** Unpacks an archive of the context as `cp -a` would: over what is there, with the archive's owners unless told otherwise. */
async function unpackInto(
  { rootFd, destination, owner }: Pick<Place, "rootFd" | "destination" | "owner">,
  tree: SourceTree,
  entry: SourceEntry,
  idMapping: IdMapping | undefined,
): Promise<void> {
  const extractor = createExtractor({ rootFd, base: destination, whiteouts: "literal", owner, idMapping });
  const parser = createTarParser({
    entry: (header) => void extractor.entry(header),
    data: (bytes) => extractor.data(bytes),
    hole: (bytes) => extractor.hole(bytes),
    end: () => extractor.end(),
  });
  try {
    for await (const chunk of decompress(streamOf(tree, entry))) withoutUmask(() => parser.write(chunk));
    parser.finish();
    extractor.finish();
  } catch (error) {
    extractor.abort();
    if (error instanceof TarError) {
      throw errors["build-copy-invalid"]("ADD", `cannot unpack ${fromByteString(entry.path)}: ${error.message}`);
    }
    throw error;
  }
}
