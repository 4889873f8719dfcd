import { basename, join } from "node:path";
import { extractInto, tarOfDirectory } from "#images";
import { FILE_TYPE, S_IFMT } from "#linux";
import { resolveUser } from "#security";
import type { Container } from "../containers/container.ts";
import { type ContainerParts, emitContainerEvent } from "../containers/parts.ts";
import type { ArchiveService, PathStat } from "../contract/index.ts";
import { errors } from "../errors.ts";
import { commitContainer } from "./commit.ts";
import { type ContainerRoot, openContainerRoot, openSnapshotRoot } from "./container-root.ts";
import { mountPointsOf, withoutMountPoints } from "./mount-points.ts";
import { asksForDirectory, pathStat, resolveInRoot, statusInRoot } from "./path-status.ts";

/** The name a path goes by in an archive: its last part, "/" for the root. */
function nameOf(path: string): string {
  return basename(join("/", path)) || "/";
}

/** Runs `work` on the files of a container and ends the use after it, or after the stream it returns. */
async function* releasing(
  root: Pick<ContainerRoot, "release">,
  tar: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* tar;
  } finally {
    root.release();
  }
}

/** `cp`, `diff`, `export` and `commit`. */
export function createArchiveService(parts: ContainerParts): ArchiveService {
  const get = (reference: string): Container => parts.registry.get(reference);

  const statIn = (root: ContainerRoot, container: Container, path: string): PathStat => {
    const stat = pathStat(root.fd, root.rest, nameOf(path), () => root.resolve(path));
    if (stat === undefined) throw errors.pathNotFound(path, container.id);
    return stat;
  };

  return {
    stat: async (reference, path) => {
      const container = get(reference);
      const root = openContainerRoot(parts, container, path, { followLast: false });
      try {
        return statIn(root, container, path);
      } finally {
        root.release();
      }
    },

    get: async (reference, path) => {
      const container = get(reference);
      const root = openContainerRoot(parts, container, path, { followLast: false });
      try {
        const stat = statIn(root, container, path);
        // `dir/` means the directory a link leads to, under the link's name; `dir/.` what is in it, as "./x": the
        // CLI puts the name it wants in the place of that dot.
        const followed = asksForDirectory(path) ? (resolveInRoot(root.fd, root.rest) ?? root.rest) : root.rest;
        const contents = path.endsWith("/.") || path === ".";
        const tar = tarOfDirectory(root.path, followed, {
          rebase: contents ? "." : nameOf(path),
          mounts: root.mountsBelow,
          idMapping: parts.snapshots.idMapping,
        });
        if (tar === undefined) throw errors.pathNotFound(path, container.id);
        emitContainerEvent(parts, container, "archive-path");
        return { stat, tar: releasing(root, tar) };
      } catch (error) {
        root.release();
        throw error;
      }
    },

    put: async (reference, path, tar, options) => {
      const container = get(reference);
      const root = openContainerRoot(parts, container, path, { followLast: true });
      try {
        // The extraction point is followed to its end.
        const target = resolveInRoot(root.fd, root.rest);
        const status = target === undefined ? undefined : statusInRoot(root.fd, `${target}/`);
        if (target === undefined) throw errors.pathNotFound(path, container.id);
        if (status === undefined || (status.mode & S_IFMT) !== FILE_TYPE.directory) throw errors.extractionPoint();
        if (root.readonly === "root") throw errors.rootReadOnly();
        if (root.readonly === "volume") throw errors.volumeReadOnly();
        const owner = options.copyOwner ? resolveUser(root.home, container.document.config.User ?? "") : undefined;
        await extractInto(root.path, target, tar, {
          noOverwriteDirectoryNonDirectory: options.noOverwriteDirectoryNonDirectory,
          owner: owner === undefined ? undefined : { uid: owner.uid, gid: owner.gid },
          idMapping: parts.snapshots.idMapping,
        });
        emitContainerEvent(parts, container, "extract-to-dir");
      } finally {
        root.release();
      }
    },

    changes: async (reference) => {
      const container = get(reference);
      return withoutMountPoints(await parts.snapshots.changes(container.id), mountPointsOf(container));
    },

    export: async (reference) => {
      const container = get(reference);
      const root = openSnapshotRoot(parts, container, "/");
      const tar = tarOfDirectory(root.path, "/", { idMapping: parts.snapshots.idMapping });
      if (tar === undefined) throw errors.pathNotFound("/", container.id);
      emitContainerEvent(parts, container, "export");
      return releasing(root, tar);
    },

    commit: async (reference, options) => commitContainer(parts, get(reference), options),
  };
}
