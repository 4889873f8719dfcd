import { describe, expect, test } from "bun:test";
import type { Account, Accounts } from "./accounts.ts";
import { remapOf } from "./remap-user.ts";
import { freeStart, parseSubordinateIds } from "./subordinate-ids.ts";

type Given = {
  readonly users?: Readonly<Record<string, number>>;
  readonly groups?: Readonly<Record<string, number>>;
  readonly subuid?: string;
  readonly subgid?: string;
};

/** Accounts in memory; `done` tells what was made. */
function accountsOf(given: Given): Accounts & { readonly done: string[] } {
  const users = new Map(Object.entries(given.users ?? {}));
  const groups = new Map(Object.entries(given.groups ?? {}));
  const files = { subuid: given.subuid ?? "", subgid: given.subgid ?? "" };
  const done: string[] = [];
  const find = (map: ReadonlyMap<string, number>, text: string): Account | undefined => {
    for (const [name, id] of map) if (name === text || String(id) === text) return { name, id };
    return undefined;
  };
  return {
    done,
    findUser: (text) => find(users, text),
    findGroup: (text) => find(groups, text),
    subordinateIds: (kind) => files[kind],
    addUser: (name) => {
      done.push(`user ${name}`);
      users.set(name, 990);
      groups.set(name, 990);
    },
    addRange: (kind, name, start, length) => {
      done.push(`${kind} ${start}`);
      files[kind] += `${name}:${start}:${length}\n`;
    },
  };
}

const known: Given = {
  users: { root: 0, sam: 1000, numbers: 1001, lonely: 1002 },
  groups: { root: 0, sam: 1000, users: 100 },
  subuid: "sam:100000:65536\n\n1001:500000:10\nnumbers:700000:10\n",
  subgid: "sam:300000:1000\nsam:200000:1000\n1001:500000:10\n",
};

describe("remapOf()", () => {
  test.each(["sam", "1000", "sam:users", "1000:100", "1000:users", "sam:100"])("takes %s", (specification) => {
    expect(remapOf(specification, accountsOf(known))).toEqual({
      uids: [{ containerId: 0, hostId: 100_000, size: 65_536 }],
      gids: [
        { containerId: 0, hostId: 200_000, size: 1000 },
        { containerId: 1000, hostId: 300_000, size: 1000 },
      ],
    });
  });

  test("takes lines with the user's number before those with its name", () => {
    expect(remapOf("numbers:users", accountsOf(known))?.uids).toEqual([{ containerId: 0, hostId: 500_000, size: 10 }]);
  });

  test("is off for root", () => {
    expect(remapOf("root", accountsOf(known))).toBeUndefined();
    expect(remapOf("0:0", accountsOf(known))).toBeUndefined();
  });

  test.each([
    ["a:b:c", 'invalid user/group specification in --userns-remap: "a:b:c"'],
    [":users", "invalid user/group specification"],
    ["sam:", "invalid user/group specification"],
    ["ghost", 'error during uid lookup for "ghost"'],
    ["4711", "uid 4711 has no entry in /etc/passwd"],
    ["1001", "gid 1001 has no entry in /etc/group"],
    ["lonely", 'error during gid lookup for "lonely"'],
    ["lonely:users", `can't create ID mappings: no subuid ranges found for user "lonely"`],
    ["sam:ghosts", 'error during gid lookup for "ghosts"'],
    ["sam:4711", "gid 4711 has no entry in /etc/group"],
  ])("refuses %s", (specification, message) => {
    expect(() => remapOf(specification, accountsOf(known))).toThrow(message);
  });

  test.each([
    ["sam:1", "format not correct for /etc/subuid file"],
    ["sam:one:2", 'string to int conversion failed during subuid/gid parsing of /etc/subuid: "one"'],
    ["sam:0:65536", "holds root"],
    ["sam:1000:100\nsam:1050:10", "overlaps another"],
    ["sam:4294967290:6", "beyond the last id"],
  ])("refuses the ranges %j", (subuid, message) => {
    expect(() => remapOf("sam", accountsOf({ ...known, subuid }))).toThrow(message);
  });

  test("makes dockremap with the first free ranges for default", () => {
    const accounts = accountsOf({ ...known, users: {}, groups: {} });
    expect(remapOf("default", accounts)).toEqual({
      uids: [{ containerId: 0, hostId: 165_536, size: 65_536 }],
      gids: [{ containerId: 0, hostId: 100_000, size: 65_536 }],
    });
    expect(accounts.done).toEqual(["user dockremap", "subuid 165536", "subgid 100000"]);
    expect(remapOf("default", accounts)?.uids[0]?.hostId).toBe(165_536);
    expect(accounts.done).toHaveLength(3);
  });
});

test("freeStart() is where nothing overlaps", () => {
  const start = (text: string) => freeStart(parseSubordinateIds("/etc/subuid", text));
  expect(start("")).toBe(100_000);
  expect(start("a:165536:65536")).toBe(100_000);
  expect(start("b:165536:65536\na:100000:65536")).toBe(231_072);
  expect(start("a:90000:20000")).toBe(110_000);
  expect(start("a:150000:10")).toBe(150_010);
});
