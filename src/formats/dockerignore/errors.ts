import { defineErrors } from "#base";

/** Docker's wording: build front ends print it as is. */
export const ignoreErrors = defineErrors({
  "ignore-pattern-empty-exception": {
    kind: "invalid",
    message: () => `illegal exclusion pattern: "!"`,
    hint: () => "Write the path to keep after the exclamation mark, or remove the line",
  },
  "ignore-pattern-malformed": {
    kind: "invalid",
    message: (pattern: string) => `error checking context: syntax error in pattern "${pattern}"`,
    hint: () => "Brackets must be closed, and a backslash must be followed by the character it escapes",
  },
});
