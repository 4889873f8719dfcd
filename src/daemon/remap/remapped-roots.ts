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
  const open = (root: string, ...inside: readonly string[]) => {
    mkdirSync(root, { recursive: true, mode: 0o711 });
    let path = resolve(root);
    letContainersThrough(path, idMapping);
    for (const name of [`${uid}.${gid}`, ...inside]) {
      path = join(path, name);
      mkdirSync(path, { recursive: true, mode: 0o710 });
      letContainersThrough(path, idMapping);
    }
    checkWay(path, idMapping);
  };
  open(options.dataRoot, "containers");
  open(options.execRoot, "bundles");
  const own = (root: string) => join(root, `${uid}.${gid}`);
  logger.info("ids of containers are remapped", { uid, gid });
  return { options: { ...options, dataRoot: own(options.dataRoot), execRoot: own(options.execRoot) }, idMapping };
}

/** Whether the containers' root can pass through all directories above (moby `daemon/daemon_unix.go`, canAccess). */
function checkWay(path: string, idMapping: IdMapping): void {
  const { uid, gid } = hostRoot(idMapping);
  for (let above = dirname(path); above !== "/"; above = dirname(above)) {
    const status = statSync(above);
    const isOpen =
      (status.mode & 0o001) !== 0 ||
      (status.uid === uid && (status.mode & 0o100) !== 0) ||
      (status.gid === gid && (status.mode & 0o010) !== 0);
    if (!isOpen) throw errors.dataRootClosed(path);
  }
}
