import { closeFd, O, openDirectory, openInRoot, toByteString } from "#linux";
import { cleanEntryPath, splitPath } from "./extract/entry-path.ts";
import { extractArchive } from "./extract/extract-archive.ts";
import { tarOfTree } from "./layers/tree-tar.ts";

/**
 * Tar of what `path` is in the root file system at `root`; links on the way are resolved inside of it (the last part
 * is not followed). The archive's names begin with `rebase`, or with nothing when it is "".
 */
export async function* tarOfDirectory(
  root: string,
  path: string,
  options: { readonly rebase: string },
): AsyncGenerator<Uint8Array> {
  const rootFd = openDirectory(toByteString(root));
  const clean = cleanEntryPath(toByteString(path));
  const { parent, name } = splitPath(clean);
  let directoryFd = -1;
  try {
    directoryFd = openInRoot(rootFd, options.rebase === "" ? clean : parent, O.readOnly | O.directory);
    yield* tarOfTree({
      directoryFd,
      name: options.rebase === "" ? "" : name,
      as: toByteString(options.rebase),
      whiteouts: "literal",
    });
  } finally {
    if (directoryFd >= 0) closeFd(directoryFd);
    closeFd(rootFd);
  }
}

/**
 * Unpacks an archive (plain or compressed) into the directory `path` of the root file system at `root`. Nothing
 * outside of `root` can be reached, also while a container changes links below it. The directory must exist.
 */
export async function extractInto(
  root: string,
  path: string,
  tar: AsyncIterable<Uint8Array>,
  options: {
    readonly noOverwriteDirectoryNonDirectory?: boolean;
    readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
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
      owner: options.owner,
    });
  } finally {
    closeFd(rootFd);
  }
}
