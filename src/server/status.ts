import type { ErrorKind } from "#base";

/**
 * The one place where an error's kind becomes an HTTP status (moby: daemon/server/httpstatus/status.go). Nothing
 * else may look at an error to choose a status; a new kind does not compile until it is answered here.
 */
const statuses = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "not-modified": 304,
  unsupported: 501,
  unavailable: 503,
  precondition: 500,
  exhausted: 500,
  timeout: 500,
  cancelled: 500,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

/** The HTTP status of an error's kind. */
export function statusOf(kind: ErrorKind): number {
  return statuses[kind];
}
