import { EngineError, type ErrorKind } from "#base";

/** Codes of the distribution spec ("Error Codes") and of Docker's before it. */
type SpecCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "TAG_INVALID"
  | "PAGINATION_NUMBER_INVALID"
  | "UNAVAILABLE"
  | "UNKNOWN";

/** Our code → the spec's, and the status where the kind's own is not the one the spec asks for. */
const known: Readonly<Record<string, readonly [code: SpecCode, status?: number]>> = {
  servedBlobUnknown: ["BLOB_UNKNOWN"],
  servedUploadUnknown: ["BLOB_UPLOAD_UNKNOWN"],
  servedUploadInvalid: ["BLOB_UPLOAD_INVALID"],
  servedUploadOutOfOrder: ["BLOB_UPLOAD_INVALID", 416],
  servedDigestInvalid: ["DIGEST_INVALID"],
  servedSizeInvalid: ["SIZE_INVALID"],
  servedManifestTooLarge: ["SIZE_INVALID", 413],
  servedManifestUnknown: ["MANIFEST_UNKNOWN"],
  servedManifestInvalid: ["MANIFEST_INVALID"],
  servedManifestBlobUnknown: ["MANIFEST_BLOB_UNKNOWN"],
  servedNameInvalid: ["NAME_INVALID"],
  servedNameUnknown: ["NAME_UNKNOWN"],
  servedTagInvalid: ["TAG_INVALID"],
  servedPageInvalid: ["PAGINATION_NUMBER_INVALID"],
  servedUnauthorized: ["UNAUTHORIZED"],
  servedDenied: ["DENIED"],
  servedUnsupported: ["UNSUPPORTED"],
  servedBusy: ["TOOMANYREQUESTS", 429],
  servedUpstreamFailed: ["UNAVAILABLE", 502],
  servedRouteUnknown: ["UNSUPPORTED"],
};

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  "not-found": 404,
  conflict: 409,
  "not-modified": 304,
  forbidden: 403,
  unauthorized: 401,
  unavailable: 503,
  unsupported: 405,
  exhausted: 507,
  timeout: 504,
  cancelled: 499,
  precondition: 412,
  internal: 500,
};

/** What a failure is for the client: status, code, and a sentence that tells nothing about the server's inside. */
export function describeFailure(error: unknown): {
  readonly status: number;
  readonly code: SpecCode;
  readonly message: string;
} {
  if (error instanceof EngineError) {
    const [code, status] = known[error.code] ?? ["UNKNOWN"];
    const hint = error.hint === undefined ? "" : ` (${error.hint})`;
    return { status: status ?? statusOfKind[error.kind], code, message: `${error.message}${hint}` };
  }
  const { code } = error as { code?: string };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return { status: 507, code: "UNAVAILABLE", message: "no space left in the registry's storage" };
  }
  if (code === "EROFS") return { status: 503, code: "UNAVAILABLE", message: "the registry's storage is read-only" };
  return { status: 500, code: "UNKNOWN", message: "the registry could not do this; its log says why" };
}

/** The answer to a failure, in the form of the distribution spec ("Error Codes"). */
export function errorResponse(error: unknown, headers: Record<string, string> = {}): Response {
  const { status, code, message } = describeFailure(error);
  return new Response(JSON.stringify({ errors: [{ code, message, detail: null }] }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
