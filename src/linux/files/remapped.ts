import { chmodSync, lchownSync } from "node:fs";
import { type FileOwner, hostOwner, type IdMapping } from "#base";

const root: FileOwner = { uid: 0, gid: 0 };

/** Makes a file or directory that the daemon has made the containers' root's, or another's of theirs. Links are not followed. */
export function giveToContainers(path: string, mapping: IdMapping | undefined, owner = root): void {
  if (mapping === undefined) return;
  const { uid, gid } = hostOwner(mapping, owner);
  lchownSync(path, uid, gid);
}

/** Lets the root of remapped containers, and no other user, pass through a directory to what is mounted from below it. */
export function letContainersThrough(directory: string, mapping: IdMapping | undefined): void {
  if (mapping === undefined) return;
  lchownSync(directory, 0, hostOwner(mapping, root).gid);
  chmodSync(directory, 0o710);
}
