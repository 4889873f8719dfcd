import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveUser, resolveUserIn } from "./resolve-user.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "# comment",
  "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
  "web:x:1000:1000::/home/web:/bin/sh",
  "1001:x:0:0::/evil:/bin/sh",
  "wrap:x:4294967296:0::/evil:/bin/sh",
  "negative:x:-1:-1::/evil:/bin/sh",
  "letters:x:zero:zero::/evil:/bin/sh",
].join("\n");
const group = ["root:x:0:", "wheel:x:10:root,web", "web:x:1000:", "audio:x:29:web", "staff:x:50:"].join("\n");

describe("resolveUserIn", () => {
  test.each([
    // specification, groups to add, uid, gid, all groups, home
    ["", [], 0, 0, [0, 10], "/root"],
    ["", ["1", "1234"], 0, 0, [0, 10, 1, 1234], "/root"],
    ["root", [], 0, 0, [0, 10], "/root"],
    ["1234", [], 1234, 0, [0], "/"],
    ["1234:1234", [], 1234, 1234, [1234], "/"],
    ["web", [], 1000, 1000, [1000, 10, 29], "/home/web"],
    ["1000", [], 1000, 1000, [1000, 10, 29], "/home/web"],
    ["web:staff", [], 1000, 50, [50], "/home/web"],
    ["web:77", ["audio"], 1000, 77, [77, 29], "/home/web"],
    [":staff", [], 0, 50, [50], "/root"],
    // A number is an id, whatever an account is called (CVE-2016-3697).
    ["1001", [], 1001, 0, [0], "/"],
  ] as const)("%j with groups %j", (specification, groupAdd, uid, gid, additionalGids, home) => {
    expect(resolveUserIn(passwd, group, specification, groupAdd)).toEqual({
      uid,
      gid,
      additionalGids: [...additionalGids],
      home,
    });
  });

  test.each([
    ["nobody", "unable to find user nobody: no matching entries in passwd file"],
    ["web:nogroup", "unable to find group nogroup: no matching entries in group file"],
    ["-1", "uids and gids must be in range 0-2147483647"],
    ["2147483648", "uids and gids must be in range 0-2147483647"],
    ["4294967295", "uids and gids must be in range 0-2147483647"],
    ["4294967296", "uids and gids must be in range 0-2147483647"],
    ["99999999999999999999999", "uids and gids must be in range 0-2147483647"],
    ["0:-1", "uids and gids must be in range 0-2147483647"],
    ["1e3", "unable to find user 1e3"],
    ["0x0", "unable to find user 0x0"],
    [" 0", "unable to find user  0"],
    ["wrap", "unable to find user wrap"],
    ["negative", "unable to find user negative"],
    ["letters", "unable to find user letters"],
  ])("refuses %j", (specification, message) => {
    expect(() => resolveUserIn(passwd, group, specification)).toThrow(message);
  });

  test("refuses a group to add that does not exist", () => {
    expect(() => resolveUserIn(passwd, group, "", ["nope"])).toThrow("unable to find group nope");
    expect(() => resolveUserIn(passwd, group, "", ["2147483648"])).toThrow("must be in range");
  });
});

describe("resolveUser", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "berth-user-"));
    mkdirSync(join(root, "etc"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test("reads the image's files", () => {
    writeFileSync(join(root, "etc/passwd"), passwd);
    writeFileSync(join(root, "etc/group"), group);
    expect(resolveUser(root, "web")).toMatchObject({ uid: 1000, additionalGids: [1000, 10, 29] });
  });

  test("does without the files when the user is a number", () => {
    expect(resolveUser(root, "5:6")).toEqual({ uid: 5, gid: 6, additionalGids: [6], home: "/" });
    expect(() => resolveUser(root, "web")).toThrow("unable to find user web: no matching entries in passwd file");
  });

  test("follows links inside the image only", () => {
    mkdirSync(join(root, "real"));
    writeFileSync(join(root, "real/passwd"), "inside:x:7:7::/in:/bin/sh\n");
    symlinkSync("/real/passwd", join(root, "etc/passwd"));
    expect(resolveUser(root, "inside").uid).toBe(7);
    symlinkSync("../../../../../../etc/group", join(root, "etc/group"));
    // The host's /etc/group has a group "root"; the image's link leads to itself.
    expect(() => resolveUser(root, "7:root")).toThrow("unable to find group root");
  });

  test("is not held up by a FIFO and not filled by a huge file", () => {
    Bun.spawnSync(["mkfifo", join(root, "etc/group")]);
    expect(() => resolveUser(root, "0")).toThrow("Cannot read /etc/group of the image: it is not a regular file");
    writeFileSync(join(root, "etc/passwd"), "");
    truncateSync(join(root, "etc/passwd"), 4 * 1024 ** 3);
    expect(() => resolveUser(root, "0")).toThrow("it is larger than 10 MiB");
  });
});
