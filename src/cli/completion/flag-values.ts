import type { CompletionKind } from "../command.ts";

/** What completes the value of a flag: names of one kind, or words that are always the same. */
export type ValueSource = CompletionKind | readonly string[];

const signals = "HUP INT QUIT KILL TERM USR1 USR2 STOP CONT WINCH".split(" ");
const capabilities =
  "ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM".split(
    " ",
  );

/** By the flag's name, whichever command it belongs to. */
const byName: Readonly<Record<string, ValueSource>> = {
  attach: ["stdin", "stdout", "stderr"],
  "cap-add": capabilities,
  "cap-drop": capabilities,
  cgroupns: ["host", "private"],
  cidfile: "file",
  config: "file",
  context: "context",
  device: "file",
  "env-file": "file",
  file: "file",
  from: "context",
  format: ["json", "table", "raw"],
  iidfile: "file",
  input: "file",
  ipc: ["none", "host", "private", "shareable", "container:"],
  "label-file": "file",
  link: "running-container",
  "log-driver": ["json-file", "local", "journald", "syslog", "fluentd", "gelf", "none"],
  "log-level": ["debug", "info", "warn", "error", "fatal"],
  network: "network",
  output: "file",
  pid: ["host", "container:"],
  platform: ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386"],
  progress: ["auto", "plain", "tty", "quiet", "rawjson"],
  pull: ["always", "missing", "never"],
  restart: ["no", "always", "on-failure", "unless-stopped"],
  runtime: ["crun", "runc"],
  "security-opt": ["no-new-privileges", "seccomp=", "apparmor=", "systempaths=unconfined"],
  signal: signals,
  "stop-signal": signals,
  tail: ["all", "10", "100"],
  tlscacert: "file",
  tlscert: "file",
  tlskey: "file",
  type: ["container", "image", "network", "volume"],
  userns: ["host"],
  uts: ["host"],
  volume: "volume",
  "volumes-from": "container",
};

const filters: Readonly<Record<string, string>> = {
  ps: "ancestor before exited expose health id is-task label name network publish since status volume",
  images: "before dangling label reference since until",
  "network ls": "dangling driver id label name scope type",
  "volume ls": "dangling driver label name",
  events: "container daemon event image label network scope type volume",
  "container prune": "label label! until",
  "image prune": "dangling label label! until",
  "network prune": "label label! until",
  "volume prune": "all label label!",
  "system prune": "label label! until",
};

/** The values of `--driver` are those of what is made. */
const drivers: Readonly<Record<string, readonly string[]>> = {
  "network create": ["bridge", "macvlan", "ipvlan"],
  "volume create": ["local"],
};

const mainPath: Readonly<Record<string, string>> = {
  "container ls": "ps",
  "container list": "ps",
  "container ps": "ps",
  "image ls": "images",
  "image list": "images",
  "network list": "network ls",
  "volume list": "volume ls",
  "system events": "events",
};

/** What may stand as the value of a flag of the command called `path`; undefined when anything may. */
export function valuesOf(path: string, flagName: string): ValueSource | undefined {
  const main = mainPath[path] ?? path;
  if (flagName === "filter") return filters[main]?.split(" ").map((key) => `${key}=`);
  if (flagName === "driver") return drivers[main];
  // Only these two are a format or a tail, others' are a text of the user's.
  return byName[flagName];
}
