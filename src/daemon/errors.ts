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
  usernsRemapUnsupported: {
    kind: "unsupported",
    message: (value: string) =>
      `userns-remap "${value}" cannot be used: this daemon does not remap users of containers`,
    hint: () => "Leave the option out; --security-opt no-new-privileges and USER in images go a long way.",
  },
});
