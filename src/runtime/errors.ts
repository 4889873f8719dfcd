import { defineErrors } from "#base";

/** Errors of `src/runtime`. Wording is Docker's where clients match on it. */
export const errors = defineErrors({
  deviceMissing: {
    kind: "invalid",
    message: (path: string) =>
      `error gathering device information while adding custom device "${path}": no such file or directory`,
  },
  deviceAccessInvalid: { kind: "invalid", message: (access: string) => `invalid device mode: ${access}` },
  deviceRuleInvalid: { kind: "invalid", message: (rule: string) => `invalid device cgroup rule format: '${rule}'` },
  blockDeviceMissing: { kind: "invalid", message: (path: string) => `${path} is not a block device of this host` },
});
