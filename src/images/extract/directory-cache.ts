import { closeFd, KernelError, O, pathOfFd, tryMakeDirectoryAt, tryOpenInRoot } from "#linux";
import { splitPath } from "./entry-path.ts";

/** A directory below the root, held open. `canonical` is its path without any symbolic link. */
export type OpenParent = { readonly fd: number; readonly canonical: string };

/** Directories below one root, opened once and reused: an archive names the same parent many times in a row. */
export type DirectoryCache = {
  /** The directory of that path, links followed inside the root; made with its parents when absent. */
  get(path: string): OpenParent;
  /** Like `get`, but undefined when there is no such directory. */
  find(path: string): OpenParent | undefined;
  /** Forgets everything; needed after a directory or link was replaced by something else. */
  clear(): void;
};

const LIMIT = 128;
const ENOENT = 2;
const ENOTDIR = 20;
const EEXIST = 17;

/** @param options.onMade called with the canonical path of each directory made because it was missing */
export function createDirectoryCache(
  rootFd: number,
  options: { readonly mode: number; readonly onMade?: (canonical: string) => void },
): DirectoryCache {
  const open = new Map<string, OpenParent>();
  const rootPath = pathOfFd(rootFd);
  const root: OpenParent = { fd: rootFd, canonical: "" };

  const clear = () => {
    for (const { fd } of open.values()) closeFd(fd);
    open.clear();
  };

  const tryOpen = (path: string): OpenParent | number => {
    const fd = tryOpenInRoot(rootFd, path, O.path | O.directory);
    if (fd < 0) return fd;
    if (open.size >= LIMIT) {
      const [oldest] = open.entries().next().value as [string, OpenParent];
      closeFd((open.get(oldest) as OpenParent).fd);
      open.delete(oldest);
    }
    const absolute = pathOfFd(fd);
    const canonical = absolute === rootPath ? "" : absolute.slice(rootPath === "/" ? 1 : rootPath.length + 1);
    const entry = { fd, canonical };
    open.set(path, entry);
    return entry;
  };

  const get = (path: string): OpenParent => {
    if (path === "") return root;
    const cached = open.get(path);
    if (cached !== undefined) return cached;
    const opened = tryOpen(path);
    if (typeof opened !== "number") return opened;
    if (opened !== -ENOENT) throw new KernelError(`open directory ${path}`, -opened);
    const { parent, name } = splitPath(path);
    const above = get(parent);
    const made = tryMakeDirectoryAt(above.fd, name, options.mode);
    if (made < 0 && made !== -EEXIST) throw new KernelError(`mkdir ${path}`, -made);
    if (made === 0) options.onMade?.(above.canonical === "" ? name : `${above.canonical}/${name}`);
    const again = tryOpen(path);
    // EEXIST and still not there: a dangling link, which is no place to put files.
    if (typeof again === "number") throw new KernelError(`open directory ${path}`, -again);
    return again;
  };

  const find = (path: string): OpenParent | undefined => {
    if (path === "") return root;
    const cached = open.get(path);
    if (cached !== undefined) return cached;
    const opened = tryOpen(path);
    if (typeof opened !== "number") return opened;
    if (opened === -ENOENT || opened === -ENOTDIR) return undefined;
    throw new KernelError(`open directory ${path}`, -opened);
  };

  return { get, find, clear };
}
