import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import { serverErrors } from "../errors.ts";

/** `exec start` has a small JSON body. */
const LIMIT_BYTES = 64 * 1024;

/**
 * Reads a request's body from a connection that has left the HTTP parser; what comes after it belongs to the
 * process. Knows Content-Length and chunked bodies.
 */
export async function readRawBody(
  socket: Duplex,
  head: Buffer,
  headers: IncomingHttpHeaders,
): Promise<{ readonly body: Buffer; readonly rest: Buffer }> {
  const chunked = headers["transfer-encoding"] !== undefined;
  const length = Number(headers["content-length"] ?? "0");
  if (!chunked && (!Number.isSafeInteger(length) || length < 0 || length > LIMIT_BYTES))
    throw serverErrors["invalid-body"](`its length is not between 0 and ${LIMIT_BYTES}`);
  const take = chunked
    ? takeChunked
    : (bytes: Buffer) =>
        bytes.length < length ? undefined : { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
  let bytes = head;
  for (;;) {
    const taken = take(bytes);
    if (taken !== undefined) return taken;
    if (bytes.length > 2 * LIMIT_BYTES) throw serverErrors["invalid-body"](`longer than ${LIMIT_BYTES} bytes`);
    bytes = Buffer.concat([bytes, await nextChunk(socket)]);
  }
}

function nextChunk(socket: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
      socket.pause();
      settle();
    };
    const onData = (chunk: Buffer) => done(() => resolve(chunk));
    const onEnd = () => done(() => reject(serverErrors["invalid-body"]("the connection ended within it")));
    if (socket.readableEnded || socket.destroyed) {
      onEnd();
      return;
    }
    socket.on("data", onData);
    socket.once("end", onEnd);
    socket.once("close", onEnd);
    socket.resume();
  });
}

/** RFC 9112, 7.1; undefined while the last chunk is missing. */
function takeChunked(bytes: Buffer): { readonly body: Buffer; readonly rest: Buffer } | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = /^([0-9a-f]{1,6})(?:\s*;.*)?$/i.exec(bytes.toString("latin1", at, lineEnd))?.[1];
    if (size === undefined) throw serverErrors["malformed-request"]("the body is not well chunked");
    const length = Number.parseInt(size, 16);
    const start = lineEnd + 2;
    if (length === 0) {
      const end = bytes.indexOf("\r\n", start);
      if (end === -1) return undefined;
      return { body: Buffer.concat(parts), rest: bytes.subarray(end + 2) };
    }
    if (bytes.length < start + length + 2) return undefined;
    parts.push(bytes.subarray(start, start + length));
    at = start + length + 2;
  }
}
