import { defineErrors } from "#base";

/** Clients show these behind "failed to solve: "; several quote BuildKit's words. */
export const errors = defineErrors({
  "session-without-id": {
    kind: "invalid",
    message: () => "a session needs an id: the header X-Docker-Expose-Session-Uuid is missing",
  },
  "session-unknown": {
    kind: "not-found",
    message: (id: string) => `no active session for ${id}`,
    hint: () => "The client did not open its session, or has closed it.",
  },
  "session-lost": {
    kind: "cancelled",
    message: () => "the client's session has ended",
  },
  "session-missing": {
    kind: "invalid",
    message: (what: string) => `${what} needs a session, and the client named none`,
  },
  "session-without": {
    kind: "invalid",
    message: (what: string) => `the client's session does not offer ${what}`,
  },
  "session-protocol": {
    kind: "invalid",
    message: (reason: string) => `the client broke the protocol of file transfers: ${reason}`,
  },
  "session-files": {
    kind: "invalid",
    message: (reason: string) => `the client could not send or receive its files: ${reason}`,
  },
  "solve-frontend": {
    kind: "unsupported",
    message: (frontend: string) =>
      `the frontend ${JSON.stringify(frontend)} is not supported: this builder reads Dockerfiles (dockerfile.v0) only`,
    hint: () => "Take the '# syntax=' line out, or name docker/dockerfile there.",
  },
  "solve-question": {
    kind: "unsupported",
    message: (request: string) => `unsupported request ${request}`,
    hint: () => "Known are outline, targets, lint and subrequests.describe.",
  },
  "solve-definition": {
    kind: "unsupported",
    message: () => "solving an LLB definition is not supported: this builder reads Dockerfiles only",
  },
  "solve-option": {
    kind: "invalid",
    message: (option: string, reason: string) => `invalid ${option}: ${reason}`,
  },
  "solve-option-unsupported": {
    kind: "unsupported",
    message: (option: string, reason: string) => `${option} is not supported: ${reason}`,
  },
  "solve-reference": {
    kind: "not-found",
    message: (reference: string) => `no such job ${reference}`,
  },
  "solve-reference-taken": {
    kind: "conflict",
    message: (reference: string) => `there is already a build ${reference}`,
  },
  "solve-returned": {
    kind: "cancelled",
    message: () => "the client ended the build",
  },
  "solve-dockerfile-missing": {
    kind: "invalid",
    message: (name: string) => `failed to read dockerfile: open ${name}: no such file or directory`,
  },
});
