import { once } from "node:events";
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import { encodeGrpcFrame, readGrpcFrames } from "./frame.ts";
import type { Message } from "./message.ts";
import { type Metadata, writeMetadata } from "./metadata.ts";
import { decodeStatusMessage, GrpcError, statusName } from "./status.ts";

/** A stream to a peer: what is sent, and what comes back. */
export type GrpcStream<Request, Response> = {
  /** Waits while the peer does not read. */
  send(message: Partial<Request>): Promise<void>;
  /** Says that nothing more will be sent. */
  finish(): void;
  /** What the peer sends; throws its status when that is not OK. To be read once. */
  readonly messages: AsyncIterable<Response>;
  /** Ends the call whatever its state. */
  cancel(): void;
};

/** How a call is made. */
export type GrpcCallOptions = { readonly metadata?: Metadata | undefined; readonly signal?: AbortSignal | undefined };

/** A peer that answers calls. */
export type GrpcClient = {
  unary<Request, Response>(
    path: string,
    request: Message<Request>,
    response: Message<Response>,
    value: Partial<Request>,
    options?: GrpcCallOptions,
  ): Promise<Response>;
  stream<Request, Response>(
    path: string,
    request: Message<Request>,
    response: Message<Response>,
    options?: GrpcCallOptions,
  ): GrpcStream<Request, Response>;
  /** Settles when the connection has ended. */
  readonly closed: Promise<void>;
  close(): void;
};

const limitBytes = 16 * 1024 * 1024;

/** Calls methods of a peer over a connection that is open already. `head` are bytes that were read from it. */
export function createGrpcClient(socket: Duplex, head?: Uint8Array): GrpcClient {
  if (head !== undefined && head.length > 0) socket.unshift(head);
  const session = http2.connect("http://localhost", {
    createConnection: () => socket,
    settings: { initialWindowSize: 8 * 1024 * 1024, enablePush: false },
  });
  session.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    session.once("close", () => resolve());
    socket.once("close", () => resolve());
  });
  socket.resume();

  const open = <Request, Response>(
    path: string,
    request: Message<Request>,
    response: Message<Response>,
    { metadata = new Map(), signal }: GrpcCallOptions = {},
  ): GrpcStream<Request, Response> => {
    if (session.closed || session.destroyed) throw new GrpcError("UNAVAILABLE", "the client's connection has ended");
    signal?.throwIfAborted();
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...writeMetadata(metadata),
    });
    const cancel = () => stream.close(http2.constants.NGHTTP2_CANCEL);
    signal?.addEventListener("abort", cancel, { once: true });
    stream.once("close", () => signal?.removeEventListener("abort", cancel));
    const status = statusOf(stream);
    // Read only when somebody asks for the messages; a call that is cancelled is nobody's failure.
    status.catch(() => {});
    return {
      send: async (value) => {
        if (stream.destroyed || stream.closed) {
          await status;
          throw new GrpcError("UNAVAILABLE", "the client ended the call");
        }
        if (!stream.write(encodeGrpcFrame(request.encode(value)))) {
          await Promise.race([once(stream, "drain").catch(() => {}), once(stream, "close").catch(() => {})]);
        }
      },
      finish: () => {
        stream.end();
      },
      messages: (async function* () {
        try {
          for await (const bytes of readGrpcFrames(quiet(stream), limitBytes)) yield response.decode(bytes);
          await status;
        } finally {
          if (!stream.closed) cancel();
          signal?.throwIfAborted();
        }
      })(),
      cancel,
    };
  };

  return {
    stream: open,
    unary: async (path, request, response, value, options) => {
      const stream = open(path, request, response, options);
      await stream.send(value);
      stream.finish();
      let result: ReturnType<typeof response.decode> | undefined;
      for await (const item of stream.messages) result = item;
      if (result === undefined) throw new GrpcError("INTERNAL", "the call gave no answer");
      return result;
    },
    closed,
    close: () => {
      session.close();
      socket.destroy();
    },
  };
}

/** The bytes of a stream until it ends, whichever way; how it ended is the status's to say. */
async function* quiet(stream: ClientHttp2Stream): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch {
    // The status tells.
  }
}

/** Settles with the call: resolves for OK, rejects for any other status, a reset or a lost connection. */
function statusOf(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (headers: IncomingHttpHeaders) => {
      const code = headers["grpc-status"];
      if (code === undefined) return;
      if (Number(code) === 0) resolve();
      else {
        const message = headers["grpc-message"];
        reject(
          new GrpcError(statusName(Number(code)), decodeStatusMessage(typeof message === "string" ? message : "")),
        );
      }
    };
    stream.on("response", settle);
    stream.on("trailers", settle);
    stream.on("error", (error: Error) => reject(new GrpcError("UNAVAILABLE", error.message, { cause: error })));
    stream.once("close", () => reject(new GrpcError("UNAVAILABLE", "the client ended the call without a status")));
  });
}
