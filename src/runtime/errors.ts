import { defineErrors } from "#base";

/** Errors of `src/runtime`. Wording is Docker's where clients match on it. */
export const errors = defineErrors({
  commandNotFound: {
    kind: "invalid",
    message: (command: string, reason: string) =>
      `failed to create task for container: OCI runtime create failed: unable to start container process: exec: ${command}: ${reason}: unknown`,
    hint: () => "check the command's name and that the image contains it",
  },
  commandNotExecutable: {
    kind: "invalid",
    message: (command: string) =>
      `failed to create task for container: OCI runtime create failed: unable to start container process: exec: ${command}: permission denied: unknown`,
    hint: () => "the file must be a program with its execute bit set (chmod +x)",
  },
  workingDirectoryUnusable: {
    kind: "invalid",
    message: (reason: string) =>
      `failed to create task for container: OCI runtime create failed: cannot change to the working directory: ${reason}`,
  },
  runtimeFailed: {
    kind: "internal",
    message: (reason: string) => `failed to create task for container: OCI runtime create failed: ${reason}`,
  },
  deviceMissing: {
    kind: "invalid",
    message: (path: string) =>
      `error gathering device information while adding custom device "${path}": no such file or directory`,
  },
  deviceAccessInvalid: { kind: "invalid", message: (access: string) => `invalid device mode: ${access}` },
  deviceRuleInvalid: { kind: "invalid", message: (rule: string) => `invalid device cgroup rule format: '${rule}'` },
  blockDeviceMissing: { kind: "invalid", message: (path: string) => `${path} is not a block device of this host` },
});
