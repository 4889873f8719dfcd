import { defineErrors } from "#base";

/** What can be wrong with a template. The sentence is the whole message: Go's words, as users know them. */
export const errors = defineErrors({
  "template-malformed": {
    kind: "invalid",
    message: (sentence: string) => sentence,
  },
  "template-failed": {
    kind: "invalid",
    message: (sentence: string) => sentence,
  },
});
