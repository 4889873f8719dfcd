import { defineErrors } from "#base";

/** What the command line itself can get wrong. Sentences are docker's, because scripts and people know them. */
export const cliErrors = defineErrors({
  "bad-flag": { kind: "invalid", message: (sentence: string) => sentence },
  "bad-option": { kind: "invalid", message: (sentence: string) => sentence },
  "unknown-command": {
    kind: "invalid",
    message: (command: string, _suggestion?: string) => `unknown command: berth ${command}`,
    hint: (_command: string, suggestion?: string) =>
      suggestion === undefined ? `"berth --help" lists the commands` : `Did you mean "berth ${suggestion}"?`,
  },
  "alias-not-allowed": {
    kind: "invalid",
    message: (name: string) => `not allowed to alias "${name}" (allowed: builder)`,
    hint: () => "aliases in config.json may stand for `builder` alone, as docker's",
  },
  "plugin-invalid": {
    kind: "invalid",
    message: (path: string, problem: string) => `plugin "${path}" is not valid: ${problem}`,
    hint: () => "`docker-cli-plugin-metadata` as its argument must make it print what it is, as JSON",
  },
  "file-unreadable": {
    kind: "not-found",
    message: (path: string, reason: string) => `open ${path}: ${reason}`,
  },
  "not-a-terminal": {
    kind: "invalid",
    message: () => "the input device is not a TTY",
    hint: () => "Leave out --tty (-t) when standard input is a pipe or a file",
  },
  "terminal-output": {
    kind: "invalid",
    message: () => "cowardly refusing to save to a terminal. Use the -o flag or redirect",
  },
  "content-trust": {
    kind: "unsupported",
    message: () => "content trust (Notary) is not supported: leave --disable-content-trust as it is",
  },
  "credential-helper-failed": {
    kind: "unavailable",
    message: (program: string, reason: string) => `error getting credentials - err: exec: "${program}": ${reason}`,
    hint: (program: string) => `config.json names it in credsStore or credHelpers; is ${program} installed?`,
  },
  "manifest-missing": { kind: "not-found", message: (name: string) => `No such manifest: ${name}` },
  "manifest-unknown": { kind: "not-found", message: (name: string) => `no such manifest: ${name}` },
  "manifest-conflict": { kind: "conflict", message: (sentence: string) => sentence },
  "context-unsupported": {
    kind: "unsupported",
    message: (context: string) => `cannot use "${context}" as a build context: only local directories and "-" are`,
    hint: () => "Fetch it first, then build from the directory",
  },
  "beyond-berth": {
    kind: "unsupported",
    message: () => "the daemon answers, but berth has no swarms and no managed plugins to show",
    hint: () => "Use the docker command with this daemon",
  },
  "content-trust-gone": {
    kind: "unsupported",
    message: () => "content trust (Notary) is not supported: its servers have been retired",
    hint: () => "Sign images with a tool that keeps signatures in the registry, such as cosign",
  },
  "experimental-command": {
    kind: "unsupported",
    message: (command: string) =>
      `berth ${command} is only supported on a Docker daemon with experimental features enabled`,
  },
  "experimental-flag": {
    kind: "unsupported",
    message: (name: string) => `"--${name}" is only supported on a Docker daemon with experimental features enabled`,
  },
  "connection-setup": {
    kind: "invalid",
    message: (sentence: string) => `Failed to initialize: ${sentence}`,
  },
  "connection-command-failed": {
    kind: "unavailable",
    message: (command: string, ending: string, complaint: string) =>
      `error during connect: command [${command}] has exited with ${ending}, make sure the URL is valid, and Berth or Docker 18.09 or later is installed on the remote host: stderr=${complaint}`,
    hint: () => "Try the ssh command by hand: it must log in without asking",
  },
  "context-not-found": {
    kind: "not-found",
    message: (sentence: string) => sentence,
    hint: () => "`berth context ls` lists the contexts there are",
  },
  "daemon-start-root": {
    kind: "forbidden",
    message: () => "The daemon is not running, and only root can start it",
    hint: () => "Use sudo; once it runs, the group that owns its socket can use it too",
  },
  "daemon-start-failed": {
    kind: "unavailable",
    message: (reason: string, _log: string) => `The daemon could not be started: ${reason}`,
    hint: (_reason: string, log: string) => `Its log is in ${log}`,
  },
  "stream-failed": { kind: "internal", message: (text: string) => text },
});
