import { readFileSync } from "node:fs";
import { stableBuffer, SYS, syscall } from "../ffi/index.ts";

/** Whose rights to files count. */
export type FileUser = { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };

let ownGroups: readonly number[] | undefined;
let isActing = false;

function setGroups(groups: readonly number[]): void {
  const list = stableBuffer(Math.max(4, groups.length * 4));
  groups.forEach((group, index) => list.writeUInt32LE(group, index * 4));
  // The C library would change every thread; the system call changes this one, which setfsuid(2) is about too.
  syscall("setgroups", SYS.setgroups, groups.length, list);
}

/**
 * Does `work`, which must be synchronous, with the rights to files that a user has: setfsuid(2) takes root's capabilities
 * over files away with it (capabilities(7)). For root `work` is just done.
 */
export function asFileUser<T>(user: FileUser, work: () => T): T {
  // A call within a call: the outer one has set the rights, and takes them back.
  if (user.uid === 0 || isActing) return work();
  ownGroups ??= (/^Groups:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "")
    .split(/\s+/)
    .filter(Boolean)
    .map(Number);
  setGroups(user.groups);
  isActing = true;
  try {
    syscall("setfsgid", SYS.setfsgid, user.gid);
    syscall("setfsuid", SYS.setfsuid, user.uid);
    return work();
  } finally {
    isActing = false;
    syscall("setfsuid", SYS.setfsuid, 0);
    syscall("setfsgid", SYS.setfsgid, 0);
    setGroups(ownGroups);
  }
}
