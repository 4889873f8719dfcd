import { defineErrors } from "#base";

export const historyErrors = defineErrors({
  "build-unknown": {
    kind: "not-found",
    message: (reference: string) => `no build found for ${JSON.stringify(reference)}`,
    hint: () => "`berth builder history ls` lists them.",
  },
  "build-running": {
    kind: "conflict",
    message: (reference: string) => `build ${reference} is still running`,
  },
  "build-reference-invalid": {
    kind: "invalid",
    message: () => "a build's reference may hold letters, digits, '_', '-' and '.', 128 of them",
  },
  "build-reference-taken": {
    kind: "conflict",
    message: (reference: string) => `there is already a build ${reference}`,
  },
  "build-log-lost": {
    kind: "not-found",
    message: (reference: string) => `the log of build ${reference} is no longer there`,
  },
  "build-ended": {
    kind: "cancelled",
    message: () => "Build cancelled",
  },
});
