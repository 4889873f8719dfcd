import { defineErrors } from "#base";

/** What can be wrong with patterns; "illegal exclusion pattern" and "syntax error in pattern" are Docker's words. */
export const patternErrors = defineErrors({
  "pattern-empty-exception": {
    kind: "invalid",
    message: (place: string) => `${place}: illegal exclusion pattern: "!"`,
    hint: () => "Write the path to keep after the exclamation mark, or remove the line",
  },
  "pattern-malformed": {
    kind: "invalid",
    message: (place: string, pattern: string) =>
      `${place}: cannot use the pattern ${JSON.stringify(pattern)}: syntax error in pattern`,
    hint: () => "Brackets must be closed, and a backslash must be followed by the character it escapes",
  },
});
