import { defineErrors } from "#base";

/** Errors of the registry server; `http/error-body.ts` says which code of the distribution spec and status each is. */
export const serverErrors = defineErrors({
  servedBlobUnknown: { kind: "not-found", message: (digest: string) => `blob ${digest} is unknown to the repository` },
  servedUploadUnknown: {
    kind: "not-found",
    message: (id: string) => `upload ${id} is unknown: it was never begun, or it has ended`,
  },
  servedUploadInvalid: { kind: "invalid", message: (why: string) => `upload refused: ${why}` },
  servedUploadOutOfOrder: {
    kind: "precondition",
    message: (given: string, expected: number) =>
      `the chunk ${given} does not follow what is there; the next byte is number ${expected}`,
  },
  servedDigestInvalid: { kind: "invalid", message: (why: string) => `digest refused: ${why}` },
  servedSizeInvalid: { kind: "invalid", message: (why: string) => `length refused: ${why}` },
  servedManifestTooLarge: {
    kind: "exhausted",
    message: (limit: number) => `the manifest is larger than ${limit} bytes`,
  },
  servedManifestUnknown: {
    kind: "not-found",
    message: (reference: string) => `manifest ${reference} is unknown to the repository`,
  },
  servedManifestInvalid: { kind: "invalid", message: (why: string) => `manifest refused: ${why}` },
  servedManifestBlobUnknown: {
    kind: "not-found",
    message: (digests: string) => `the manifest names what the repository does not have: ${digests}`,
    hint: () => "push the blobs, and for an index its manifests, before what refers to them",
  },
  servedNameInvalid: { kind: "invalid", message: (name: string) => `invalid repository name "${name}"` },
  servedNameUnknown: { kind: "not-found", message: (name: string) => `repository ${name} is unknown` },
  servedTagInvalid: { kind: "invalid", message: (tag: string) => `invalid tag "${tag}"` },
  servedPageInvalid: {
    kind: "invalid",
    message: (given: string, limit: number) => `invalid number of results "${given}": 0 to ${limit}`,
  },
  servedUnauthorized: { kind: "unauthorized", message: () => "authentication required" },
  servedDenied: {
    kind: "forbidden",
    message: (user: string, action: string, what: string) => `${user} may not ${action} ${what}`,
  },
  servedUnsupported: { kind: "unsupported", message: (why: string) => why },
  servedBusy: { kind: "unavailable", message: (why: string) => why },
  servedUpstreamFailed: {
    kind: "unavailable",
    message: (what: string, why: string) => `cannot fetch ${what} from upstream: ${why}`,
  },
  servedRouteUnknown: { kind: "not-found", message: (path: string) => `there is nothing at ${path}` },
  servedFlagInvalid: {
    kind: "invalid",
    message: (flag: string, value: string, allowed: string) => `invalid value "${value}" for --${flag}: ${allowed}`,
  },
  servedConfigInvalid: {
    kind: "invalid",
    message: (path: string, why: string) => `unable to configure the registry with file ${path}: ${why}`,
  },
  servedRootInUse: {
    kind: "conflict",
    message: (path: string) => `another registry uses ${path}`,
    hint: () => "stop it, or give this one its own --root",
  },
});
