import { defineErrors } from "#base";

/** Errors of `src/volumes`; the wording is Docker's where clients match on it. */
export const errors = defineErrors({
  volumeNotFound: {
    kind: "not-found",
    message: (name: string) => `get ${name}: no such volume`,
    hint: () => "`berth volume ls` lists the volumes there are",
  },
  volumeNameInvalid: {
    kind: "invalid",
    message: (name: string) =>
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  },
  volumeDriverUnknown: {
    kind: "not-found",
    message: (driver: string) => `error looking up volume plugin ${driver}: plugin "${driver}" not found`,
    hint: () => "Berth has the volume driver `local`",
  },
  volumeOptionInvalid: {
    kind: "invalid",
    message: (name: string, option: string) => `create ${name}: invalid option: "${option}"`,
    hint: () => "the local driver takes type, o and device",
  },
  volumeOptionMissing: {
    kind: "invalid",
    message: (name: string, option: string) => `create ${name}: missing required option: "${option}"`,
  },
});
