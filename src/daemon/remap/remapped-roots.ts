import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { hostRoot, type IdMapping, type Logger } from "#base";
import { letContainersThrough } from "#linux";
import { errors } from "../errors.ts";
import type { DaemonOptions } from "../options.ts";
import { hostAccounts } from "./accounts.ts";
import { remapOf } from "./remap-user.ts";

/** Options as they hold with remapped ids, and the mapping. */
export type Remapped = { readonly options: DaemonOptions; readonly idMapping: IdMapping | undefined };

/**
 * With `--userns-remap` a daemon has roots of its own below those it was given, `<root>/<uid>.<gid>`: files of images
 * belong to other users there, and containers that were made without (or with other ids) are another daemon's.
 */
export function remapRoots(options: DaemonOptions, logger: Logger): Remapped {
  const { usernsRemap } = options.containers;
  if (usernsRemap === "") return { options, idMapping: undefined };
  if (!existsSync("/proc/self/ns/user")) throw errors.usernsUnavailable("the kernel has none");
  for (const program of ["unshare", "nsenter"]) {
    if (Bun.which(program) === null) throw errors.usernsUnavailable(`there is no program ${program}`);
  }
  const idMapping = remapOf(usernsRemap, hostAccounts);
  if (idMapping === undefined) {
    logger.warn("root cannot be remapped with itself; user namespaces are off", { "userns-remap": usernsRemap });
    return { options, idMapping };
  }
  const { uid, gid } = hostRoot(idMapping);
  const own = (root: string) => join(resolve(root), `${uid}.${gid}`);
  const roots = { dataRoot: own(options.dataRoot), execRoot: own(options.execRoot) };
  checkWay(dirname(roots.dataRoot), roots.dataRoot, idMapping);
  // That of the socket stays as it is: its users pass through it.
  checkWay(roots.execRoot, roots.execRoot, idMapping);
  mkdirSync(dirname(roots.execRoot), { recursive: true, mode: 0o711 });
  const inside = [join(roots.dataRoot, "containers"), join(roots.execRoot, "bundles")];
  for (const path of [dirname(roots.dataRoot), roots.dataRoot, roots.execRoot, ...inside]) {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    letContainersThrough(path, idMapping);
  }
  logger.info("ids of containers are remapped", { uid, gid });
  return { options: { ...options, ...roots }, idMapping };
}

/** Whether the containers' root can pass all directories there are above a path (moby `daemon/daemon_unix.go`, canAccess). */
function checkWay(path: string, root: string, idMapping: IdMapping): void {
  const { uid, gid } = hostRoot(idMapping);
  for (let above = dirname(path); above !== "/"; above = dirname(above)) {
    const status = statSync(above, { throwIfNoEntry: false });
    if (status === undefined) continue;
    const isOpen =
      (status.mode & 0o001) !== 0 ||
      (status.uid === uid && (status.mode & 0o100) !== 0) ||
      (status.gid === gid && (status.mode & 0o010) !== 0);
    if (!isOpen) throw errors.dataRootClosed(root);
  }
}
