import { appendFileSync, readFileSync } from "node:fs";
import { errorMessage } from "#base";
import { errorCode } from "#linux";
import { errors } from "../errors.ts";

export type Account = { readonly name: string; readonly id: number };

/** The host's users, groups and subordinate ids. */
export type Accounts = {
  /** A user by name or number; undefined when there is none. */
  findUser(nameOrId: string): Account | undefined;
  findGroup(nameOrId: string): Account | undefined;
  /** The text of /etc/subuid or /etc/subgid; "" without the file. */
  subordinateIds(kind: "subuid" | "subgid"): string;
  /** Makes a system user with a group of the same name. */
  addUser(name: string): void;
  addRange(kind: "subuid" | "subgid", name: string, start: number, length: number): void;
};

/** Adds a system user by whatever the distribution has (moby `pkg/idtools/usergroupadd_linux.go`). */
const addCommands: readonly (readonly [string, ...string[]])[] = [
  [
    "adduser",
    "--system",
    "--shell",
    "/bin/false",
    "--no-create-home",
    "--disabled-login",
    "--disabled-password",
    "--group",
  ],
  ["useradd", "-r", "-U", "-s", "/bin/false"],
];

/** The files first; getent(1) for users that come from elsewhere (LDAP, systemd). */
function find(database: "passwd" | "group", nameOrId: string): Account | undefined {
  const text = readIfThere(`/etc/${database}`);
  return findIn(text, nameOrId) ?? findIn(getent(database, nameOrId), nameOrId);
}

function findIn(text: string, nameOrId: string): Account | undefined {
  const isNumber = /^\d+$/.test(nameOrId);
  for (const line of text.split("\n")) {
    const [name = "", , id = ""] = line.split(":");
    const matches = isNumber ? id === nameOrId : name === nameOrId;
    if (matches && /^\d{1,10}$/.test(id)) return { name, id: Number(id) };
  }
  return undefined;
}

function getent(database: string, key: string): string {
  if (Bun.which("getent") === null) return "";
  return Bun.spawnSync(["getent", "--", database, key], { stdin: "ignore", stderr: "ignore" }).stdout.toString();
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw errors.accountsUnreadable(path, errorMessage(error));
  }
}

/** Runs a program to its end; what it said when it failed. */
function failureOf(command: readonly string[]): string | undefined {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  if (exitCode === 0) return undefined;
  return `${command[0]} ended with ${exitCode}: ${`${stdout.toString()} ${stderr.toString()}`.trim()}`;
}

/** Those of this machine. */
export const hostAccounts: Accounts = {
  findUser: (nameOrId) => find("passwd", nameOrId),
  findGroup: (nameOrId) => find("group", nameOrId),
  subordinateIds: (kind) => readIfThere(`/etc/${kind}`),
  addUser: (name) => {
    let failure = "no useradd/adduser binary found";
    for (const command of addCommands) {
      if (Bun.which(command[0]) === null) continue;
      const failed = failureOf([...command, name]);
      if (failed === undefined) return;
      failure = failed;
    }
    throw errors.remapUserNotMade(name, failure);
  },
  addRange: (kind, name, start, length) => {
    const flag = kind === "subuid" ? "-v" : "-w";
    // Without usermod(8) of the shadow suite (BusyBox has none) the file is all there is.
    if (Bun.which("usermod") === null) {
      appendFileSync(`/etc/${kind}`, `${name}:${start}:${length}\n`);
      return;
    }
    const failed = failureOf(["usermod", flag, `${start}-${start + length - 1}`, name]);
    if (failed !== undefined) throw errors.remapUserNotMade(name, failed);
  },
};
