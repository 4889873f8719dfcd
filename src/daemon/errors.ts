import { defineErrors } from "#base";

/** Errors of `src/daemon`: what keeps it from starting. */
export const errors = defineErrors({
  daemonFlagInvalid: {
    kind: "invalid",
    message: (flag: string, value: string, allowed: string) => `invalid value "${value}" for --${flag}: ${allowed}`,
  },
  daemonCountInvalid: {
    kind: "invalid",
    message: (what: string, value: string) => `invalid ${what}: ${value}`,
  },
  daemonConfigUnreadable: {
    kind: "invalid",
    message: (path: string, reason: string) => `unable to configure the daemon with file ${path}: ${reason}`,
  },
  daemonConfigUnknown: {
    kind: "invalid",
    message: (path: string, option: string) =>
      `unable to configure the daemon with file ${path}: the following directives don't match any configuration option: ${option}`,
  },
  daemonOptionRefused: {
    kind: "unsupported",
    message: (option: string, reason: string) => `option "${option}" cannot be used: ${reason}`,
    hint: () => "Leave the option out; docs/configuration.md lists all that there are.",
  },
  dataRootInUse: {
    kind: "conflict",
    message: (path: string) => `another daemon uses the data root ${path}`,
    hint: () => "stop it, or give this one its own --data-root, --exec-root and --host",
  },
  noRuntime: {
    kind: "unavailable",
    message: (reasons: string) => `no OCI runtime works on this host (${reasons})`,
    hint: () => "install crun or runc",
  },
  runtimeUnknown: {
    kind: "invalid",
    message: (name: string) => `unknown or invalid runtime name: ${name}`,
    hint: () => "`berth info` lists the runtimes that work on this host",
  },
  runtimeBroken: {
    kind: "invalid",
    message: (name: string, reason: string) => `runtime ${name} does not work on this host: ${reason}`,
  },
  notRoot: {
    kind: "forbidden",
    message: () => "the daemon needs to be run as root",
    hint: () => "use sudo, or `sudo berth daemon install` for a service",
  },
  systemdMissing: {
    kind: "unavailable",
    message: () => "this host does not run systemd",
    hint: () => "start `berth daemon` from your init system, or let the CLI start it on demand",
  },
  usernsUnavailable: {
    kind: "unavailable",
    message: (reason: string) => `--userns-remap needs user namespaces, which do not work here: ${reason}`,
    hint: () => "See user.max_user_namespaces in /proc/sys; unshare and nsenter are of the package util-linux.",
  },
  usernsRemapMalformed: {
    kind: "invalid",
    message: (value: string) => `invalid user/group specification in --userns-remap: "${value}"`,
    hint: () => "It is default, user, uid, user:group or uid:gid.",
  },
  remapUserMissing: {
    kind: "invalid",
    message: (name: string) => `error during uid lookup for "${name}": no matching entries in passwd file`,
  },
  remapUserIdMissing: { kind: "invalid", message: (uid: number) => `uid ${uid} has no entry in /etc/passwd` },
  remapGroupMissing: {
    kind: "invalid",
    message: (name: string) => `error during gid lookup for "${name}": no matching entries in group file`,
  },
  remapGroupIdMissing: { kind: "invalid", message: (gid: number) => `gid ${gid} has no entry in /etc/group` },
  remapUserNotMade: {
    kind: "unavailable",
    message: (name: string, reason: string) => `error during "${name}" user creation: ${reason}`,
    hint: () => "Make the user, with lines in /etc/subuid and /etc/subgid, and name it in --userns-remap.",
  },
  accountsUnreadable: {
    kind: "unavailable",
    message: (path: string, reason: string) => `cannot read ${path}: ${reason}`,
  },
  subordinateIdsMalformed: {
    kind: "invalid",
    message: (path: string) => `cannot parse subuid/gid information: format not correct for ${path} file`,
  },
  subordinateIdInvalid: {
    kind: "invalid",
    message: (path: string, text: string) =>
      `string to int conversion failed during subuid/gid parsing of ${path}: "${text}"`,
  },
  subordinateIdsMissing: {
    kind: "invalid",
    message: (kind: "subuid" | "subgid", user: string) =>
      `can't create ID mappings: no ${kind} ranges found for user "${user}"`,
    hint: (kind: "subuid" | "subgid", user: string) => `Add a line such as ${user}:100000:65536 to /etc/${kind}.`,
  },
  subordinateRangeInvalid: {
    kind: "invalid",
    message: (kind: "subuid" | "subgid", user: string, range: string) =>
      `can't create ID mappings: the ${kind} range ${range} of user "${user}" holds root, overlaps another or ends beyond the last id`,
  },
  dataRootClosed: {
    kind: "invalid",
    message: (path: string) =>
      `a subdirectory in your data root path (${path}) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories`,
  },
});
