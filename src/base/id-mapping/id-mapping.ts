import { errors } from "./errors.ts";

/** `size` ids from `containerId` on are those from `hostId` on outside (user_namespaces(7), uid_map). */
export type IdRange = { readonly containerId: number; readonly hostId: number; readonly size: number };

/** How users and groups of containers lie among those of the host. */
export type IdMapping = { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] };

/** Whose a file is. */
export type FileOwner = { readonly uid: number; readonly gid: number };

function toHost(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  if (range === undefined) throw errors.idNotMapped(id);
  return range.hostId + (id - range.containerId);
}

function toContainer(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ hostId, size }) => id >= hostId && id < hostId + size);
  return range === undefined ? id : range.containerId + (id - range.hostId);
}

/** The host's name for an owner inside. Throws invalid for ids that containers have no room for. */
export function hostOwner(mapping: IdMapping | undefined, owner: FileOwner): FileOwner {
  if (mapping === undefined) return owner;
  return { uid: toHost(mapping.uids, owner.uid), gid: toHost(mapping.gids, owner.gid) };
}

/** An owner on the host as containers call it. Ids that are none of theirs (`--userns=host`, a bind) stay as they are. */
export function containerOwner(mapping: IdMapping | undefined, owner: FileOwner): FileOwner {
  if (mapping === undefined) return owner;
  return { uid: toContainer(mapping.uids, owner.uid), gid: toContainer(mapping.gids, owner.gid) };
}

/** Root of containers, on the host. */
export function hostRoot(mapping: IdMapping | undefined): FileOwner {
  return hostOwner(mapping, { uid: 0, gid: 0 });
}
