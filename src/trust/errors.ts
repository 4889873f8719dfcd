import { defineErrors } from "#base";

/** Errors of `src/trust`. */
export const errors = defineErrors({
  trustPolicyInvalid: {
    kind: "invalid",
    message: (path: string, why: string) => `invalid trust policy ${path}: ${why}`,
  },
  imageUntrusted: {
    kind: "forbidden",
    message: (name: string, why: string) => `image ${name} is not trusted by the policy: ${why}`,
    hint: () => "docs/image-trust.md tells how to sign it, or how to change what the policy asks for",
  },
});
