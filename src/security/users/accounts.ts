/** A line of passwd(5). */
export type Account = { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string };

/** A line of group(5). */
export type Group = { readonly name: string; readonly gid: number; readonly members: readonly string[] };

/** The largest id that fits a signed 32-bit number on every side (moby/sys/user, maxID). */
export const maximumId = 2 ** 31 - 1;

/** A decimal id in range; undefined for anything else, so that no overflow can become root (CVE-2024-40635). */
export function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maximumId ? id : undefined;
}

function* lines(text: string): Generator<readonly string[]> {
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (trimmed !== "" && !trimmed.startsWith("#")) yield trimmed.split(":");
  }
}

/** The accounts of a passwd file; lines without valid ids are left out. */
export function* parseAccounts(text: string): Generator<Account> {
  for (const [name = "", , uidText, gidText, , home = ""] of lines(text)) {
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    if (uid !== undefined && gid !== undefined) yield { name, uid, gid, home };
  }
}

/** The groups of a group file, likewise. */
export function* parseGroups(text: string): Generator<Group> {
  for (const [name = "", , gidText, members = ""] of lines(text)) {
    const gid = parseId(gidText);
    if (gid !== undefined) yield { name, gid, members: members.split(",").map((member) => member.trim()) };
  }
}
