import { defineErrors } from "#base";

/** What can go wrong with control groups. */
export const errors = defineErrors({
  cgroupPathInvalid: {
    kind: "invalid",
    message: (path: string) => `Invalid cgroup path "${path}": it must be an absolute path below the root without ".."`,
  },
  cgroupWriteFailed: {
    kind: "internal",
    message: (file: string, value: string, code: string) => `Cannot write "${value}" to ${file}: ${code}`,
  },
  cgroupValueRefused: {
    kind: "invalid",
    message: (file: string, value: string, code: string) => `Cannot write "${value}" to ${file}: ${code}`,
    hint: () => "The kernel does not take this value for the limit; give another.",
  },
  cgroupGone: {
    kind: "conflict",
    message: (file: string) => `Cannot change limits: ${file} does not exist any more`,
    hint: () => "The container has ended, or the host does not offer this limit.",
  },
  // Docker's (runc's) wording.
  memoryLimitBelowUsage: {
    kind: "conflict",
    message: (limit: number, usage: number) => `unable to set memory limit to ${limit} (current usage: ${usage})`,
    hint: () => "Free memory in the container or choose a larger limit.",
  },
  freezeTimedOut: {
    kind: "timeout",
    message: (path: string) => `Cannot pause cgroup ${path}: its processes did not stop within 10 seconds`,
    hint: () => "A process in uninterruptible sleep (state D) cannot be paused.",
  },
  freezerMissing: {
    kind: "unsupported",
    message: () => "Cannot pause: this host mounts no freezer cgroup",
  },
  cgroupBusy: {
    kind: "unavailable",
    message: (directory: string) => `Cannot remove cgroup ${directory}: processes are still in it`,
  },
});
