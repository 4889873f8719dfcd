import {
  closeFd,
  FILE_TYPE,
  type FileStatus,
  findAttributeAt,
  findStatusAt,
  fromByteString,
  O,
  openDirectory,
  readDirectory,
  S_IFMT,
  toByteString,
  tryOpenAt,
} from "#linux";
import type { Change } from "../contract.ts";

/** A directory as the layers below show it: the same path in several layers, topmost first. */
type LowerDirectory = readonly number[];

type Lower = { readonly status: FileStatus; readonly directories: LowerDirectory };

function typeOf(status: FileStatus): number {
  return status.mode & S_IFMT;
}

function isWhiteout(status: FileStatus): boolean {
  return typeOf(status) === FILE_TYPE.character && status.deviceMajor === 0 && status.deviceMinor === 0;
}

function isOpaque(fd: number): boolean {
  return findAttributeAt(fd, ".", "trusted.overlay.opaque")?.toString() === "y";
}

/** Looks a name up as overlayfs does. The directories in the answer are open and the caller's to close. */
function lookup(directories: LowerDirectory, name: string): Lower | undefined {
  let status: FileStatus | undefined;
  const opened: number[] = [];
  for (const directory of directories) {
    const found = findStatusAt(directory, name);
    if (found === undefined) continue;
    if (isWhiteout(found)) break;
    // A file below a directory is hidden by it, and the other way round.
    if (status !== undefined && typeOf(found) !== FILE_TYPE.directory) break;
    status ??= found;
    if (typeOf(found) !== FILE_TYPE.directory) break;
    const fd = tryOpenAt(directory, name, O.readOnly | O.directory | O.noFollow);
    if (fd < 0) break;
    opened.push(fd);
    if (isOpaque(fd)) break;
  }
  return status === undefined ? undefined : { status, directories: opened };
}

/** Names a stack of directories shows. */
function visibleNames(directories: LowerDirectory): string[] {
  const seen = new Map<string, boolean>();
  for (const directory of directories) {
    for (const name of readDirectory(directory)) {
      if (seen.has(name)) continue;
      const status = findStatusAt(directory, name);
      if (status !== undefined) seen.set(name, !isWhiteout(status));
    }
  }
  return [...seen].flatMap(([name, visible]) => (visible ? [name] : []));
}

/** The comparison of `docker diff`: owner, mode, device, and for files size and time. */
export function looksEqual(a: FileStatus, b: FileStatus): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.deviceMajor !== b.deviceMajor || a.deviceMinor !== b.deviceMinor) return false;
  if (typeOf(a) === FILE_TYPE.directory) return true;
  return a.sizeBytes === b.sizeBytes && a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanoseconds === b.mtimeNanoseconds;
}

function openAll(paths: readonly string[]): number[] {
  const opened: number[] = [];
  for (const path of paths) {
    const fd = openDirectory(toByteString(path));
    opened.push(fd);
    if (isOpaque(fd)) break;
  }
  return opened;
}

type Note = (kind: Change["kind"], path: string) => void;

function noteUpper(upperFd: number, lowers: LowerDirectory, prefix: string, note: Note): void {
  const hidden = isOpaque(upperFd);
  const names = readDirectory(upperFd);
  for (const name of names) {
    const status = findStatusAt(upperFd, name);
    if (status === undefined) continue;
    const path = `${prefix}/${name}`;
    const lower = lookup(lowers, name);
    try {
      if (isWhiteout(status)) {
        if (lower !== undefined) note("deleted", path);
        continue;
      }
      const wasDirectory = lower !== undefined && typeOf(lower.status) === FILE_TYPE.directory;
      if (lower === undefined) note("added", path);
      else if (typeOf(status) !== FILE_TYPE.directory || !wasDirectory || !looksEqual(status, lower.status)) {
        note("modified", path);
      }
      if (typeOf(status) !== FILE_TYPE.directory) continue;
      const child = tryOpenAt(upperFd, name, O.readOnly | O.directory | O.noFollow);
      if (child < 0) continue;
      try {
        noteUpper(child, lower?.directories ?? [], path, note);
      } finally {
        closeFd(child);
      }
    } finally {
      for (const fd of lower?.directories ?? []) closeFd(fd);
    }
  }
  if (!hidden) return;
  const kept = new Set(names);
  for (const name of visibleNames(lowers)) if (!kept.has(name)) note("deleted", `${prefix}/${name}`);
}

function noteWhole(rootFd: number, lowers: LowerDirectory, prefix: string, note: Note): void {
  const names = readDirectory(rootFd);
  const present = new Set(names);
  for (const name of names) {
    const status = findStatusAt(rootFd, name);
    if (status === undefined) continue;
    const path = `${prefix}/${name}`;
    const lower = lookup(lowers, name);
    try {
      if (lower === undefined) note("added", path);
      else if (!looksEqual(status, lower.status)) note("modified", path);
      if (typeOf(status) !== FILE_TYPE.directory) continue;
      const child = tryOpenAt(rootFd, name, O.readOnly | O.directory | O.noFollow);
      if (child < 0) continue;
      try {
        noteWhole(child, lower?.directories ?? [], path, note);
      } finally {
        closeFd(child);
      }
    } finally {
      for (const fd of lower?.directories ?? []) closeFd(fd);
    }
  }
  for (const name of visibleNames(lowers)) if (!present.has(name)) note("deleted", `${prefix}/${name}`);
}

/**
 * What differs from the layers below, sorted by path. Parents of what was added, modified or deleted count as modified
 * (as `docker diff` shows them).
 * @param top the upper directory of an overlay, or a whole root file system
 * @param lowers directories of the layers, topmost first
 */
export function findChanges(
  top: { readonly kind: "upper" | "whole"; readonly path: string },
  lowers: readonly string[],
): Change[] {
  const changes = new Map<string, Change["kind"]>();
  const note: Note = (kind, path) => {
    changes.set(path, kind);
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const parent = path.slice(0, slash);
      if (changes.has(parent)) break;
      changes.set(parent, "modified");
    }
  };
  const topFd = openDirectory(toByteString(top.path));
  const lowerFds = openAll(lowers);
  try {
    if (top.kind === "upper") noteUpper(topFd, lowerFds, "", note);
    else noteWhole(topFd, lowerFds, "", note);
  } finally {
    closeFd(topFd);
    for (const fd of lowerFds) closeFd(fd);
  }
  return [...changes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, kind]) => ({ kind, path: fromByteString(path) }));
}
