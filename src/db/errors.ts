import { defineErrors } from "#base";

/** What can go wrong with the state database. */
export const errors = defineErrors({
  databaseFull: {
    kind: "exhausted",
    message: (path: string) => `write ${path}: no space left on device`,
    hint: () =>
      "Free space on the disk of the data root: `berth system df` shows what uses it, `berth system prune` removes it",
  },
});
