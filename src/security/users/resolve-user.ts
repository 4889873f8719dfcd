import { AT_FDCWD, closeFd, O, openAt, toByteString } from "#linux";
import { errors } from "../errors.ts";
import { readAccountFile } from "./account-file.ts";
import { type Group, maximumId, parseAccounts, parseGroups } from "./accounts.ts";

/** Who a process runs as. */
export type ResolvedUser = {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the primary one first (CVE-2022-36109). */
  readonly additionalGids: readonly number[];
  /** Home directory by passwd; "/" when it has no entry. */
  readonly home: string;
};

/** Go's Atoi with the range of ids: a number in range, "name" for what is no number; throws when out of range. */
function idOrName(text: string): number | "name" {
  if (!/^[+-]?\d+$/.test(text)) return "name";
  const id = Number(text);
  if (id < 0 || id > maximumId) throw errors.idOutOfRange();
  return id;
}

/**
 * Resolves `user[:group]` by the texts of passwd and group (moby/sys/user, GetExecUser). A number is always an id,
 * even if a user has that name (CVE-2016-3697). Supplementary groups come from the file only when no group is named.
 */
export function resolveUserIn(
  passwd: string,
  group: string,
  specification: string,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const [userText = "", groupText = ""] = specification.split(":");
  const wanted = userText === "" ? 0 : idOrName(userText);
  const account = parseAccounts(passwd)
    .filter(({ uid, name }) => (wanted === "name" ? name === userText : uid === wanted))
    .next().value;
  if (account === undefined && wanted === "name") throw errors.userNotFound(userText);
  const uid = account?.uid ?? (wanted as number);

  let groups: readonly Group[] | undefined;
  const allGroups = (): readonly Group[] => (groups ??= [...parseGroups(group)]);
  let gid = account?.gid ?? 0;
  const supplementary: number[] = [];
  if (groupText !== "") {
    const wantedGroup = idOrName(groupText);
    if (wantedGroup === "name") {
      const found = allGroups().find(({ name }) => name === groupText);
      if (found === undefined) throw errors.groupNotFound(groupText);
      gid = found.gid;
    } else gid = wantedGroup;
  } else if (account !== undefined) {
    for (const { gid: id, members } of allGroups()) if (members.includes(account.name)) supplementary.push(id);
  }
  for (const added of groupAdd) supplementary.push(groupId(added, allGroups));
  return { uid, gid, additionalGids: [...new Set([gid, ...supplementary])], home: account?.home || "/" };
}

/** `--group-add`: a name first, then a number (GetAdditionalGroups). */
function groupId(text: string, allGroups: () => readonly Group[]): number {
  const found = allGroups().find(({ name, gid }) => name === text || String(gid) === text);
  if (found !== undefined) return found.gid;
  const id = idOrName(text);
  if (id === "name") throw errors.groupNotFound(text);
  return id;
}

/**
 * Resolves `user[:group]` by /etc/passwd and /etc/group of a mounted image. Everything in there is the image's: links
 * stay inside, sizes are bounded, ids are checked. Throws invalid in Docker's words.
 */
export function resolveUser(
  rootDirectory: string,
  specification: string,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const root = openAt(AT_FDCWD, toByteString(rootDirectory), O.path | O.directory);
  try {
    const passwd = readAccountFile(root, "/etc/passwd");
    const group = readAccountFile(root, "/etc/group");
    return resolveUserIn(passwd, group, specification, groupAdd);
  } finally {
    closeFd(root);
  }
}
