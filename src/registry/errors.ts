import { defineErrors } from "#base";

/** Errors of talking to registries; where clients match on the text, it is Docker's. */
export const errors = defineErrors({
  registryAuthInvalid: {
    kind: "invalid",
    message: (why: string) => `invalid registry credentials: ${why}`,
  },
  registryAccessDenied: {
    kind: "not-found",
    message: (repository: string) =>
      `pull access denied for ${repository}, repository does not exist or may require 'docker login'`,
    hint: () => "Log in with `berth login REGISTRY` when it is private; check the name's spelling",
  },
});
