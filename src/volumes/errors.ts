import { defineErrors } from "#base";

/** Errors of `src/volumes`; the wording is Docker's where clients match on it. */
export const errors = defineErrors({
  volumeNotFound: {
    kind: "not-found",
    message: (name: string) => `get${name === "" ? "" : ` ${name}`}: no such volume`,
    hint: () => "`berth volume ls` lists the volumes there are",
  },
  volumeNameInvalid: {
    kind: "invalid",
    message: (name: string) =>
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  },
  volumeNameShort: {
    kind: "invalid",
    message: (name: string) =>
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
  },
  volumeNameLong: {
    kind: "invalid",
    message: (length: number) => `volume name of ${length} characters is too long, names have at most 255`,
  },
  volumeOptionsRefused: {
    kind: "invalid",
    message: (name: string, reason: string) => `create ${name}: ${reason}`,
  },
  volumeMountFailed: {
    kind: "internal",
    message: (name: string, target: string, reason: string) =>
      `error while mounting volume '${name}' on '${target}': failed to mount local volume: ${reason}`,
    hint: (_name, _target, reason: string) => {
      const type = /unknown filesystem type '([\w.-]+)'|No such device/.exec(reason)?.[1];
      return type === undefined
        ? "check the volume's type, o and device options (`berth volume inspect`)"
        : `the host's kernel has no file system "${type}": load its module (modprobe ${type})`;
    },
  },
  volumeHeld: {
    kind: "conflict",
    message: (name: string) => `remove ${name}: volume is in use by a container that is being created`,
  },
  volumeDriverUnknown: {
    kind: "not-found",
    message: (name: string, driver: string) =>
      `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
    hint: () => "Berth has the volume driver `local`",
  },
  volumeOptionInvalid: {
    kind: "invalid",
    message: (name: string, option: string) => `create ${name}: invalid option: "${option}"`,
    hint: () => "the local driver takes type, o, device and size",
  },
  volumeOptionMissing: {
    kind: "invalid",
    message: (name: string, option: string) => `create ${name}: missing required option: "${option}"`,
  },
});
