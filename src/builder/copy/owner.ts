import { toByteString } from "#linux";
import { resolveInTree, type SourceTree } from "../context/tree.ts";

export type Owner = { readonly uid: number; readonly gid: number };

/** passwd(5) and group(5) of an image; anything longer is no such file. */
const maximumBytes = 16 * 1024 * 1024;

/**
 * Reads `user[:group]` of --chown or USER with the names of a root file system. Numbers need no file. A user without a
 * group gets its group of passwd, a bare number the group of the same number. A string says what could not be found.
 */
export function resolveOwner(
  root: SourceTree,
  text: string,
  options: { readonly lenient?: boolean } = {},
): Owner | string {
  const at = text.indexOf(":");
  const user = at === -1 ? text : text.slice(0, at);
  const group = at === -1 ? undefined : text.slice(at + 1);
  const account = user === "" ? { uid: 0, gid: 0 } : findUser(root, user);
  // BuildKit takes root for a user nobody knows, and the user's own group for such a group.
  if (account === undefined && options.lenient === true) return { uid: 0, gid: 0 };
  if (account === undefined) return `can't find uid for user ${user}: no such user: ${user}`;
  if (group === undefined) return account;
  const gid = group === "" ? 0 : findGroup(root, group);
  if (gid === undefined && options.lenient === true) return account;
  if (gid === undefined) return `can't find gid for group ${group}: no such group: ${group}`;
  return { uid: account.uid, gid };
}

function numeric(text: string): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  // (uid_t) -1 means "leave as it is" to chown(2).
  return value < 0xffff_ffff ? value : undefined;
}

function findUser(root: SourceTree, user: string): Owner | undefined {
  for (const line of linesOf(root, "etc/passwd")) {
    const [name, , uid = "", gid = ""] = line.split(":");
    const found = { uid: numeric(uid), gid: numeric(gid) };
    if (name === user && found.uid !== undefined && found.gid !== undefined) return { uid: found.uid, gid: found.gid };
  }
  const uid = numeric(user);
  return uid === undefined ? undefined : { uid, gid: uid };
}

function findGroup(root: SourceTree, group: string): number | undefined {
  for (const line of linesOf(root, "etc/group")) {
    const [name, , gid = ""] = line.split(":");
    const found = numeric(gid);
    if (name === group && found !== undefined) return found;
  }
  return numeric(group);
}

function linesOf(root: SourceTree, path: string): readonly string[] {
  const entry = resolveInTree(root, toByteString(path));
  if (entry === undefined || entry.type !== "file" || entry.sizeBytes > maximumBytes) return [];
  const reader = root.open(entry);
  try {
    const buffer = Buffer.alloc(entry.sizeBytes);
    const length = reader.read(buffer, 0);
    return buffer.toString("utf8", 0, length).split("\n");
  } finally {
    reader.close();
  }
}
