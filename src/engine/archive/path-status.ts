import { basename, dirname, join } from "node:path";
import {
  closeFd,
  FILE_TYPE,
  type FileStatus,
  findStatusAt,
  fromByteString,
  O,
  pathOfFd,
  readLinkAt,
  S_IFMT,
  statusOf,
  toByteString,
  tryOpenInRoot,
} from "#linux";
import type { PathStat } from "../contract/index.ts";

/** Go's FileMode bits (os/types.go), by the type bits of st_mode. */
const goTypes: ReadonlyMap<number, number> = new Map([
  [FILE_TYPE.directory, 2 ** 31],
  [FILE_TYPE.symlink, 2 ** 27],
  [FILE_TYPE.block, 2 ** 26],
  [FILE_TYPE.character, 2 ** 26 + 2 ** 21],
  [FILE_TYPE.fifo, 2 ** 25],
  [FILE_TYPE.socket, 2 ** 24],
]);

/** st_mode → Go's FileMode, as the archive headers carry it (Docker API, X-Docker-Container-Path-Stat). */
export function goFileMode(mode: number): number {
  let result = (mode & 0o777) + (goTypes.get(mode & S_IFMT) ?? 0);
  if ((mode & 0o4000) !== 0) result += 2 ** 23;
  if ((mode & 0o2000) !== 0) result += 2 ** 22;
  if ((mode & 0o1000) !== 0) result += 2 ** 20;
  return result;
}

/** True when a path asks for the directory behind it: `dir/`, `dir/.`. */
export function asksForDirectory(path: string): boolean {
  return path.endsWith("/") || path.endsWith("/.") || path === ".";
}

/** Where a path of a container leads, inside its root: absolute, all links followed; undefined when nowhere. */
export function resolveInRoot(rootFd: number, path: string): string | undefined {
  const fd = tryOpenInRoot(rootFd, toByteString(path), O.path);
  if (fd < 0) return undefined;
  try {
    const root = fromByteString(pathOfFd(rootFd));
    const found = fromByteString(pathOfFd(fd));
    return join("/", root === "/" ? found : found.slice(root.length));
  } finally {
    closeFd(fd);
  }
}

/** Status of `path` below a root: links on the way are followed inside of it, the last part only with `/` or `/.`. */
export function statusInRoot(rootFd: number, path: string): FileStatus | undefined {
  const absolute = join("/", path);
  if (asksForDirectory(path) || absolute === "/") {
    const fd = tryOpenInRoot(rootFd, toByteString(absolute), O.path | O.directory);
    if (fd < 0) return undefined;
    try {
      return statusOf(fd);
    } finally {
      closeFd(fd);
    }
  }
  const parent = tryOpenInRoot(rootFd, toByteString(dirname(absolute)), O.path | O.directory);
  if (parent < 0) return undefined;
  try {
    return findStatusAt(parent, toByteString(basename(absolute)));
  } finally {
    closeFd(parent);
  }
}

/** What the archive calls say of a path; undefined when it does not exist. `resolve`: where it leads within the container. */
export function pathStat(
  rootFd: number,
  path: string,
  name: string,
  resolve: () => string | undefined,
): PathStat | undefined {
  const status = statusInRoot(rootFd, path);
  if (status === undefined) return undefined;
  return {
    name,
    size: status.sizeBytes,
    mode: goFileMode(status.mode),
    modified: BigInt(status.mtimeSeconds) * 1_000_000_000n + BigInt(status.mtimeNanoseconds),
    linkTarget: (status.mode & S_IFMT) === FILE_TYPE.symlink ? (resolve() ?? linkText(rootFd, path)) : "",
  };
}

/** The text of a link that leads nowhere, from the directory it lies in. */
function linkText(rootFd: number, path: string): string {
  const absolute = join("/", path);
  const parent = tryOpenInRoot(rootFd, toByteString(dirname(absolute)), O.path | O.directory);
  if (parent < 0) return "";
  try {
    return join(dirname(absolute), fromByteString(readLinkAt(parent, toByteString(basename(absolute)))));
  } finally {
    closeFd(parent);
  }
}
