import { EngineError, type ErrorKind, errorMessage } from "#base";
import type { BuildFailure } from "#builder";
import { GrpcError, type StatusName, statusCodes } from "#grpc";
import { rpcStatus } from "./messages/basics.ts";

/** Which status each kind of error is. Most are UNKNOWN, as BuildKit's are: with any other clients put its name before the text. */
function statusOfKind(kind: ErrorKind): StatusName {
  switch (kind) {
    case "not-found":
      return "NOT_FOUND";
    case "conflict":
      return "ALREADY_EXISTS";
    case "forbidden":
      return "PERMISSION_DENIED";
    case "unauthorized":
      return "UNAUTHENTICATED";
    case "unsupported":
      return "UNIMPLEMENTED";
    case "timeout":
      return "DEADLINE_EXCEEDED";
    case "cancelled":
      return "CANCELLED";
    // A registry, repository or server that does not answer: to a client UNAVAILABLE would mean this daemon.
    case "unavailable":
    case "invalid":
    case "not-modified":
    case "exhausted":
    case "precondition":
    case "internal":
      return "UNKNOWN";
  }
}

/** What a failed build quotes from, when that is known. */
export type FailedSource = { readonly filename: string; readonly text: string };

/**
 * An error as a call's status. With the Dockerfile at hand, the failed lines go with it, so that clients show them the way
 * they know (BuildKit's errdefs.Source, as JSON in google.protobuf.Any).
 */
export function grpcErrorOf(error: unknown, source?: FailedSource): GrpcError {
  if (error instanceof GrpcError && source === undefined) return error;
  const name = error instanceof EngineError ? statusOfKind(error.kind) : "UNKNOWN";
  const hint = error instanceof EngineError && error.hint !== undefined ? `\n${error.hint}` : "";
  const message = `${errorMessage(error)}${hint}`;
  const failure = failureOf(error);
  const details =
    failure === undefined || source === undefined ? undefined : sourceDetails(name, message, failure, source);
  return new GrpcError(name, message, { cause: error, details });
}

function failureOf(error: unknown): Pick<BuildFailure, "source" | "vertex"> | undefined {
  return (error as { readonly failure?: BuildFailure } | null)?.failure;
}

function sourceDetails(
  name: StatusName,
  message: string,
  failure: Pick<BuildFailure, "source" | "vertex">,
  source: FailedSource,
): Uint8Array {
  const { startLine, endLine } = failure.source;
  // A range for each line, as the Dockerfile's parser of BuildKit has them.
  const lines = Array.from({ length: Math.max(1, endLine - startLine + 1) }, (_, index) => startLine + index);
  const document = {
    info: {
      filename: source.filename,
      data: Buffer.from(source.text).toString("base64"),
      definition: {},
      language: "Dockerfile",
    },
    ranges: lines.map((line) => ({ start: { line }, end: { line } })),
  };
  return rpcStatus.encode({
    code: statusCodes[name],
    message,
    details: [
      {
        typeUrl: "github.com/moby/buildkit/errdefs.Vertex+json",
        value: Buffer.from(JSON.stringify({ digest: failure.vertex })),
      },
      {
        typeUrl: "github.com/moby/buildkit/errdefs.Source+json",
        value: Buffer.from(JSON.stringify(document)),
      },
    ],
  });
}
