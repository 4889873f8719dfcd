/** gRPC's status codes (grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a status. */
export type StatusName = keyof typeof statusCodes;

const names = new Map<number, StatusName>(
  Object.entries(statusCodes).map(([name, code]) => [code, name as StatusName]),
);

/** The name of a code; numbers nobody defined are UNKNOWN. */
export function statusName(code: number): StatusName {
  return names.get(code) ?? "UNKNOWN";
}

/** A call that ended with a status that is not OK, on either side of it. */
export class GrpcError extends Error {
  readonly status: StatusName;
  /** An encoded google.rpc.Status, which clients of typed errors read. */
  readonly details: Uint8Array | undefined;

  constructor(
    status: StatusName,
    message: string,
    options: { readonly cause?: unknown; readonly details?: Uint8Array | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GrpcError";
    this.status = status;
    this.details = options.details;
  }
}

/** A message as the header `grpc-message` carries it: percent-encoded UTF-8. */
export function encodeStatusMessage(message: string): string {
  return Array.from(Buffer.from(message), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

/** The message that a peer sent; text that is not encoded well stays as it is. */
export function decodeStatusMessage(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
