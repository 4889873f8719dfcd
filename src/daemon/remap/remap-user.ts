import type { IdMapping } from "#base";
import { errors } from "../errors.ts";
import type { Account, Accounts } from "./accounts.ts";
import { freeStart, idRangesOf, parseSubordinateIds, usualLength } from "./subordinate-ids.ts";

/** The user that `--userns-remap default` means; made when there is none. */
const defaultUser = "dockremap";

/** A number as Go's strconv.ParseInt(…, 10, 32) takes it. */
const isNumber = (text: string) => /^[+-]?\d{1,10}$/.test(text) && Math.abs(Number(text)) <= 0x7fff_ffff;

/**
 * The mapping that `--userns-remap` asks for: `default`, `user`, `uid`, `user:group` or `uid:gid` (moby
 * `daemon/daemon_unix.go`, parseRemappedRoot; names must exist). Both maps are the user's subordinate ids; the group is
 * only checked. Undefined for root, which cannot be remapped with itself.
 */
export function remapOf(specification: string, accounts: Accounts): IdMapping | undefined {
  const user = userOf(specification, accounts);
  if (user.name === "root") return undefined;
  const rangesOf = (kind: "subuid" | "subgid") =>
    idRangesOf(kind, parseSubordinateIds(`/etc/${kind}`, accounts.subordinateIds(kind)), {
      name: user.name,
      uid: user.id,
    });
  return { uids: rangesOf("subuid"), gids: rangesOf("subgid") };
}

function userOf(specification: string, accounts: Accounts): Account {
  const fields = specification.split(":");
  const [name = "", group] = fields;
  if (fields.length > 2 || name === "" || group === "") throw errors.usernsRemapMalformed(specification);
  const user = isNumber(name) ? byNumber(name, accounts) : byName(name, accounts);
  // A group of the same name, or number, when none is given.
  if (group !== undefined) checkGroup(group, accounts);
  else if (isNumber(name)) checkGroup(name, accounts);
  else if (accounts.findGroup(user.name) === undefined) throw errors.remapGroupMissing(user.name);
  return user;
}

function byNumber(text: string, accounts: Accounts): Account {
  const user = accounts.findUser(String(Number(text)));
  if (user === undefined) throw errors.remapUserIdMissing(Number(text));
  return user;
}

function byName(name: string, accounts: Accounts): Account {
  const wanted = name === "default" ? defaultUser : name;
  const user = accounts.findUser(wanted);
  if (user !== undefined) return user;
  if (name !== "default") throw errors.remapUserMissing(name);
  return makeUser(accounts);
}

function checkGroup(text: string, accounts: Accounts): void {
  if (!isNumber(text)) {
    if (accounts.findGroup(text) === undefined) throw errors.remapGroupMissing(text);
  } else if (accounts.findGroup(String(Number(text))) === undefined) throw errors.remapGroupIdMissing(Number(text));
}

/** System users get no subordinate ids by themselves; those that a distribution gives them all the same are kept. */
function makeUser(accounts: Accounts): Account {
  accounts.addUser(defaultUser);
  const user = accounts.findUser(defaultUser);
  if (user === undefined) throw errors.remapUserNotMade(defaultUser, "it cannot be found afterwards");
  for (const kind of ["subuid", "subgid"] as const) {
    const ranges = parseSubordinateIds(`/etc/${kind}`, accounts.subordinateIds(kind));
    if (ranges.some(({ owner }) => owner === defaultUser || owner === String(user.id))) continue;
    accounts.addRange(kind, defaultUser, freeStart(ranges), usualLength);
  }
  return user;
}
