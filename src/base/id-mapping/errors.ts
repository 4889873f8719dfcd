import { defineErrors } from "../errors.ts";

/** What can be wrong with ids that are remapped; the sentence is Docker's. */
export const errors = defineErrors({
  idNotMapped: {
    kind: "invalid",
    message: (id: number) => `Container ID ${id} cannot be mapped to a host ID`,
    hint: () => "Give the user of --userns-remap more ids in /etc/subuid and /etc/subgid, and start the daemon again.",
  },
});
