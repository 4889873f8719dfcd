import type { FileOwner, IdMapping } from "#base";
import { closeFd, KernelError, O, openDirectory, openInRoot, toByteString, tryOpenInRoot } from "#linux";
import { extractArchive } from "./extract/extract-archive.ts";
import { cleanEntryPath, splitPath } from "./extract/entry-path.ts";
import { tarOfTree } from "./layers/tree-tar.ts";

const ENOENT = 2;
const ENOTDIR = 20;

/**
 * Tar of what is at `path` in the root file system at `root`; undefined when there is nothing. Links on the way are
 * resolved inside of the root.
 *
 * - `rebase`: the name the archive calls it by; the last part of the path is not followed when it is a link.
 *   "." and "/" are for directories: "./x", "/x".
 * - `contentsOnly`: what is in the directory, as "./x", with "./" first for the directory itself.
 * - neither: what is in the directory, as "x".
 * - `mounts`: what is mounted in the directory, by its path from there, on which it is shown.
 * - `idMapping`: how owners there lie on the host; without it the archive names them as the host does.
 */
export function tarOfDirectory(
  root: string,
  path: string,
  options: {
    readonly rebase?: string;
    readonly contentsOnly?: boolean;
    readonly mounts?: ReadonlyMap<string, { readonly directoryFd: number; readonly file?: string | undefined }>;
    readonly idMapping?: IdMapping | undefined;
  } = {},
): AsyncIterable<Uint8Array> | undefined {
  const clean = cleanEntryPath(toByteString(path));
  const { parent, name } = splitPath(clean);
  const wanted = options.rebase ?? (options.contentsOnly === true ? "." : "");
  const isContents = name === "" || wanted === "" || wanted === "." || wanted === "/";
  const under = isContents ? "" : `${name}/`;
  const mounts =
    options.mounts === undefined || options.mounts.size === 0
      ? undefined
      : new Map([...options.mounts].map(([place, mount]) => [`${under}${toByteString(place)}`, mount]));
  const open = () => {
    const rootFd = openDirectory(toByteString(root));
    const fd = tryOpenInRoot(rootFd, isContents ? clean : parent, O.readOnly | O.directory);
    closeFd(rootFd);
    return fd;
  };
  const found = open();
  if (found === -ENOENT || found === -ENOTDIR) return undefined;
  if (found < 0) throw new KernelError(`open ${path}`, -found);
  // Whoever never reads the archive leaves nothing open.
  closeFd(found);
  return (async function* () {
    const directoryFd = open();
    if (directoryFd < 0) throw new KernelError(`open ${path}`, -directoryFd);
    try {
      yield* tarOfTree({
        directoryFd,
        name: isContents ? "" : name,
        as: toByteString(wanted),
        whiteouts: "literal",
        mounts,
        idMapping: options.idMapping,
      });
    } finally {
      closeFd(directoryFd);
    }
  })();
}

/**
 * Unpacks an archive (plain or compressed) into the directory `path` of the root file system at `root`. Nothing
 * outside of `root` can be reached, also while a container changes links below it. The directory must exist.
 * @param options.rootAttributes gives the directory the owner and mode of the archive's "./"; without it, it stays as it is
 * @param options.idMapping where the owners that the archive and `owner` name lie on the host
 */
export async function extractInto(
  root: string,
  path: string,
  tar: AsyncIterable<Uint8Array>,
  options: {
    readonly noOverwriteDirectoryNonDirectory?: boolean;
    readonly rootAttributes?: boolean;
    readonly owner?: FileOwner | undefined;
    readonly idMapping?: IdMapping | undefined;
  } = {},
): Promise<void> {
  const rootFd = openDirectory(toByteString(root));
  try {
    const base = cleanEntryPath(toByteString(path));
    closeFd(openInRoot(rootFd, base, O.path | O.directory));
    await extractArchive(tar, {
      rootFd,
      base,
      whiteouts: "literal",
      noOverwriteDirectoryNonDirectory: options.noOverwriteDirectoryNonDirectory === true,
      rootAttributes: options.rootAttributes === true,
      owner: options.owner,
      idMapping: options.idMapping,
    });
  } finally {
    closeFd(rootFd);
  }
}
