import { defineErrors } from "#base";

/** What can be wrong with the security options of a container. The wording is Docker's, as its clients print it. */
export const errors = defineErrors({
  capabilityUnknown: {
    kind: "invalid",
    message: (list: "CapAdd" | "CapDrop", name: string) => `invalid ${list}: unknown capability: "${name}"`,
  },
  capabilityUnavailable: {
    kind: "invalid",
    message: (list: "CapAdd" | "CapDrop", name: string) =>
      `invalid ${list}: capability not supported by your kernel or not available in the current environment: "${name}"`,
  },
  securityOptionMalformed: {
    kind: "invalid",
    message: (option: string) => `invalid --security-opt 1: "${option}"`,
    hint: () =>
      "Options are no-new-privileges[=true|false], seccomp=, apparmor=, label=, systempaths=unconfined, writable-cgroups=.",
  },
  securityOptionUnknown: {
    kind: "invalid",
    message: (option: string) => `invalid --security-opt 2: "${option}"`,
    hint: () =>
      "Options are no-new-privileges[=true|false], seccomp=, apparmor=, label=, systempaths=unconfined, writable-cgroups=.",
  },
  seccompProfileInvalid: {
    kind: "invalid",
    message: (reason: string) => `Decoding seccomp profile failed: ${reason}`,
    hint: () => "The API takes the profile's JSON text, not a file name: clients read the file.",
  },
  appArmorProfileInvalid: {
    kind: "invalid",
    message: (name: string) => `invalid AppArmor profile name: "${name}"`,
  },
  appArmorProfileMissing: {
    kind: "invalid",
    message: (name: string) => `AppArmor profile "${name}" is not loaded on this host`,
    hint: () => "aa-status lists the profiles that are; apparmor_parser loads one from a file.",
  },
  appArmorProfileUnloadable: {
    kind: "unavailable",
    message: (name: string, reason: string) => `AppArmor profile "${name}" cannot be loaded: ${reason}`,
  },
  userNotFound: {
    kind: "invalid",
    message: (user: string) => `unable to find user ${user}: no matching entries in passwd file`,
  },
  groupNotFound: {
    kind: "invalid",
    message: (group: string) => `unable to find group ${group}: no matching entries in group file`,
  },
  idOutOfRange: {
    kind: "invalid",
    message: () => "uids and gids must be in range 0-2147483647",
  },
  userFileUnusable: {
    kind: "invalid",
    message: (path: string, reason: string) => `Cannot read ${path} of the image: ${reason}`,
  },
});
