import { once } from "node:events";
import http2, { type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { encodeGrpcFrame, readGrpcFrames } from "./frame.ts";
import type { Message } from "./message.ts";
import { type Metadata, readMetadata } from "./metadata.ts";
import { encodeStatusMessage, GrpcError, statusCodes } from "./status.ts";

/** What a handler knows of its call. */
export type GrpcCall = {
  readonly metadata: Metadata;
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
};

/** A method: messages in, messages out. */
export type GrpcMethod = (requests: AsyncIterable<Uint8Array>, call: GrpcCall) => AsyncIterable<Uint8Array>;

/** The methods of a server by their path: "/package.Service/Method". */
export type GrpcMethods = Readonly<Record<string, GrpcMethod>>;

/** One request, one response. */
export function unary<Request, Response>(
  request: Message<Request>,
  response: Message<Response>,
  handle: (request: Request, call: GrpcCall) => Promise<Partial<Response>> | Partial<Response>,
): GrpcMethod {
  return async function* (requests, call) {
    yield response.encode(await handle(await single(request, requests), call));
  };
}

/** One request, many responses. */
export function serverStream<Request, Response>(
  request: Message<Request>,
  response: Message<Response>,
  handle: (request: Request, call: GrpcCall) => AsyncIterable<Partial<Response>>,
): GrpcMethod {
  return async function* (requests, call) {
    for await (const item of handle(await single(request, requests), call)) yield response.encode(item);
  };
}

/** Many requests and many responses, in any order. */
export function duplexStream<Request, Response>(
  request: Message<Request>,
  response: Message<Response>,
  handle: (requests: AsyncIterable<Request>, call: GrpcCall) => AsyncIterable<Partial<Response>>,
): GrpcMethod {
  return async function* (requests, call) {
    for await (const item of handle(decoded(request, requests), call)) yield response.encode(item);
  };
}

async function single<T>(type: Message<T>, requests: AsyncIterable<Uint8Array>): Promise<T> {
  for await (const bytes of requests) return type.decode(bytes);
  throw new GrpcError("INVALID_ARGUMENT", "the request has no message");
}

async function* decoded<T>(type: Message<T>, messages: AsyncIterable<Uint8Array>): AsyncGenerator<T, void> {
  for await (const bytes of messages) yield type.decode(bytes);
}

/** What a server is made of. */
export type GrpcServerOptions = {
  readonly methods: GrpcMethods;
  /** Turns what a handler threw into the status the client sees. */
  readonly statusOf: (error: unknown) => GrpcError;
  /** @default 16 MiB */
  readonly limitBytes?: number | undefined;
};

/** A gRPC server over connections that somebody else accepted. */
export type GrpcServer = {
  /** Speaks HTTP/2 on a connection from now on. `head` are bytes that were read from it already. */
  accept(socket: Duplex, head?: Uint8Array): void;
};

const settings = { initialWindowSize: 4 * 1024 * 1024, maxConcurrentStreams: 1000 };

/** Makes a server. It listens to nothing itself. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const server: Http2Server = http2.createServer({
    settings,
    // Clients cancel their streams when a build ends; that is no attack here, as whoever may connect may do anything.
    ...({ streamResetBurst: 100_000, streamResetRate: 100_000 } as object),
  });
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => {
    void serve(stream as ServerHttp2Stream, headers[":path"] ?? "", readMetadata(headers), options);
  });
  return {
    accept: (socket, head) => {
      // The HTTP/2 reader takes what is put back first. In Bun it reads through the stream, so this is enough.
      if (head !== undefined && head.length > 0) socket.unshift(head);
      server.emit("connection", socket);
      socket.resume();
    },
  };
}

async function serve(
  stream: ServerHttp2Stream,
  path: string,
  metadata: Metadata,
  options: GrpcServerOptions,
): Promise<void> {
  const controller = new AbortController();
  let finished = false;
  stream.on("error", () => controller.abort());
  stream.once("close", () => {
    if (!finished) controller.abort();
  });
  const finish = (error?: GrpcError) => {
    finished = true;
    if (stream.destroyed || stream.closed) return;
    const trailers = trailersOf(error);
    if (!stream.headersSent) {
      stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
      return;
    }
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end();
  };
  const method = Object.hasOwn(options.methods, path) ? options.methods[path] : undefined;
  if (method === undefined) {
    const [, service = "", name = ""] = path.split("/");
    finish(new GrpcError("UNIMPLEMENTED", `unknown method ${name} for service ${service}`));
    return;
  }
  try {
    // Whoever has read the one request it wanted must not end the whole call with it.
    const requests = readGrpcFrames(
      stream.iterator({ destroyOnReturn: false }),
      options.limitBytes ?? 16 * 1024 * 1024,
    );
    for await (const message of method(requests, { metadata, signal: controller.signal })) {
      if (stream.destroyed || stream.closed) return;
      if (!stream.headersSent) {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      }
      if (!stream.write(encodeGrpcFrame(message))) {
        await once(stream, "drain", { signal: controller.signal });
      }
    }
    if (!stream.headersSent && !stream.destroyed && !stream.closed) {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    }
    finish();
  } catch (error) {
    finish(error instanceof GrpcError ? error : options.statusOf(error));
  }
}

function trailersOf(error: GrpcError | undefined): Record<string, string> {
  if (error === undefined) return { "grpc-status": "0" };
  return {
    "grpc-status": String(statusCodes[error.status]),
    "grpc-message": encodeStatusMessage(error.message),
    ...(error.details === undefined
      ? {}
      : { "grpc-status-details-bin": Buffer.from(error.details).toString("base64").replace(/=+$/, "") }),
  };
}
