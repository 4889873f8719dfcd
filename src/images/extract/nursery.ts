import { mkdirSync, rmdirSync } from "node:fs";
import { closeFd, openDirectory, toByteString, tryOpenAt, tryRenameAt, tryUnlinkAt } from "#linux";

/** Makes new files; where that is slow, in another place than they are to be in. */
export type Nursery = {
  /** As `tryOpenAt` with O_CREAT and O_EXCL: a descriptor or -errno. */
  open(directory: number, name: string, flags: number, mode: number): number;
  /** Takes away what it made. */
  close(): void;
};

/** So many files are made before it is judged how that went; the quickest quarter counts, whoever else is busy. */
const WINDOW = 16;
const QUICK = WINDOW / 4;
/** A file is made in 5 to 30 µs; on a slower machine a few places are tried in vain. */
const SLOW_MS = 0.08;
const MOST_PLACES = 48;
/** Places tried one after the other that are no better. */
const MOST_IN_VAIN = 12;
const EEXIST = 17;
const ENOENT = 2;

/** It is empty, or was never made; what cannot be removed goes with the next start. */
function removePlace(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // See above.
  }
}

/**
 * An ext4 without journal does not use an inode again for minutes after it was freed, and looks at each of them whenever
 * a file is made in the same group of blocks (fs/ext4/ialloc.c, find_inode_bit() and recently_deleted()): 0.4 ms a file
 * after a few thousand were deleted. A file's group is that of the directory it is made in. So files are made in a
 * directory of another group, as soon as it is seen to be slow where they belong, and renamed into place.
 * @param prefix the places are `prefix` and a number, in a directory that spreads what is made in it
 *   (`spreadDirectoriesIn`), on the file system of the files
 */
export function createNursery(prefix: string, now: () => number = () => performance.now()): Nursery {
  const places: { readonly path: string; readonly fd: number }[] = [];
  const times: number[] = [];
  let place: { readonly path: string; readonly fd: number } | undefined;
  let inVain = 0;
  let isOff = false;
  let count = 0;

  /** False when there is no other place to be had, as on a full disk. */
  const move = (): boolean => {
    const path = `${prefix}${places.length}`;
    try {
      // Earlier ones stay meanwhile: each new directory goes where fewest are.
      mkdirSync(path, { mode: 0o700 });
      place = { path, fd: openDirectory(toByteString(path)) };
    } catch {
      removePlace(path);
      return false;
    }
    places.push(place);
    return true;
  };

  const judge = () => {
    times.sort((one, other) => one - other);
    const isSlow = (times[QUICK] ?? 0) > SLOW_MS;
    times.length = 0;
    inVain = isSlow ? inVain + 1 : 0;
    if (!isSlow) return;
    if (inVain <= MOST_IN_VAIN && places.length < MOST_PLACES && move()) return;
    isOff = true;
    place = undefined;
  };

  /** A file in the other place, moved to its own; undefined when it cannot be moved there. */
  const openElsewhere = (
    other: { readonly fd: number },
    directory: number,
    name: string,
    flags: number,
    mode: number,
  ): number | undefined => {
    const temporary = String(count++);
    const fd = tryOpenAt(other.fd, temporary, flags, mode);
    if (fd < 0) return fd;
    const moved = tryRenameAt(other.fd, temporary, directory, name, { replace: false });
    if (moved === 0) return fd;
    closeFd(fd);
    tryUnlinkAt(other.fd, temporary);
    return moved === -EEXIST || moved === -ENOENT ? moved : undefined;
  };

  return {
    open: (directory, name, flags, mode) => {
      if (isOff) return tryOpenAt(directory, name, flags, mode);
      const started = now();
      const elsewhere = place === undefined ? undefined : openElsewhere(place, directory, name, flags, mode);
      const fd = elsewhere ?? tryOpenAt(directory, name, flags, mode);
      if (times.push(now() - started) === WINDOW) judge();
      return fd;
    },
    close: () => {
      for (const { path, fd } of places.splice(0)) {
        closeFd(fd);
        removePlace(path);
      }
      place = undefined;
      isOff = true;
    },
  };
}
