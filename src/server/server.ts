import http from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "#base";
import type { Builds } from "#builder";
import type { BuildKit } from "#buildkit";
import type { Engine } from "#engine";
import { createConnections } from "./http/connections.ts";
import { createDispatch, errorReply, standardHeaders } from "./http/dispatch.ts";
import { type ListenAddress, type Listener, openListener } from "./http/listener.ts";
import { writeRawReply } from "./http/raw-reply.ts";
import { createRouter } from "./http/router.ts";
import { guardPlainTcp } from "./http/tcp-guard.ts";
import type { ImageBuilder, ServerParts, ServerVersion } from "./parts.ts";
import { routes } from "./routes/table.ts";

export type ServerOptions = {
  readonly engine: Engine;
  readonly builder: ImageBuilder;
  readonly builds: Builds;
  /** BuildKit's protocol; loaded when somebody first speaks it. */
  readonly buildKit: () => Promise<BuildKit>;
  readonly version: ServerVersion;
  readonly logger: Logger;
  /** Whether the daemon logs everything. @default false */
  readonly debug?: () => boolean;
  /** Between two readings of `stats`. @default 1000 */
  readonly statsIntervalMs?: number;
  /** Whether a socket's peer has gone altogether, by its descriptor. @default nobody can tell */
  readonly isHungUp?: (fd: number) => boolean;
};

/** The Docker Engine API over any number of sockets. */
export type ApiServer = {
  /** Opens a listener; may be called again for further addresses. */
  listen(address: ListenAddress): Promise<Listener>;
  /**
   * Stops listening, ends resting connections at once and all others after `graceMs`.
   * @param graceMs @default 1000
   */
  close(graceMs?: number): Promise<void>;
};

/**
 * Which requests take over their connection, before any routing: attach, also by WebSocket, exec start and BuildKit's
 * two.
 */
export function takesOver(method: string, target: string): boolean {
  if (method === "POST")
    return /^(?:\/v[\d.]+)?\/(?:containers\/[^/?]+\/attach|exec\/[^/?]+\/start|session|grpc)(?:\?|$)|^\/berth\/v1\/builds\/[^/?]+\/agents\//.test(
      target,
    );
  return method === "GET" && /^(?:\/v[\d.]+)?\/containers\/[^/?]+\/attach\/ws(?:\?|$)/.test(target);
}

/** Makes the server; nothing listens yet. */
export function createServer(options: ServerOptions): ApiServer {
  const parts: ServerParts = {
    engine: options.engine,
    builder: options.builder,
    builds: options.builds,
    buildKit: options.buildKit,
    version: options.version,
    logger: options.logger,
    debug: options.debug ?? (() => false),
    statsIntervalMs: options.statsIntervalMs ?? 1000,
    counters: { eventListeners: 0 },
  };
  const dispatch = createDispatch(createRouter(routes), parts);
  const plainTcp = new WeakSet<object>();
  const guarded = (request: http.IncomingMessage, refused: (error: unknown) => void, go: () => void) => {
    if (plainTcp.has(request.socket)) {
      try {
        guardPlainTcp(request);
      } catch (error) {
        refused(error);
        return;
      }
    }
    go();
  };

  const server = http.createServer((request, response) => {
    connections.began(request, response);
    guarded(
      request,
      (error) => {
        const reply = errorReply(error, parts.logger, request);
        response.writeHead(reply.status, { "Content-Type": "application/json", Connection: "close" });
        response.end(reply.kind === "json" ? `${JSON.stringify(reply.value)}\n` : "");
      },
      () => dispatch.request(request, response),
    );
  });
  server.on("upgrade", (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    const upgraded = connections.hijacked(socket);
    // Nothing may flow, nor end, before whoever takes the connection over listens.
    socket.pause();
    guarded(
      request,
      (error) => writeRawReply(socket, errorReply(error, parts.logger, request), standardHeaders(parts)),
      () => dispatch.upgrade(request, socket, head, upgraded),
    );
  });
  server.on("clientError", (error: Error & { code?: string }, socket: Duplex) => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
    writeRawReply(
      socket,
      { kind: "json", status, value: { message: `malformed request: ${error.message}` } },
      standardHeaders(parts),
    );
  });
  // Docker's clients hold requests open for hours (wait, logs -f, events); connections.ts closes what is stalled.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.timeout = 0;
  server.keepAliveTimeout = 0;

  const connections = createConnections(server, takesOver, options.isHungUp);
  const listeners: Listener[] = [];

  return {
    async listen(address) {
      const unprotected = address.kind === "tcp" && address.tls?.clientCa === undefined;
      if (unprotected) {
        options.logger.warn(
          "the API is open to every program that reaches this TCP port, which is as good as root on this machine; use TLS with client certificates",
          { host: address.host, port: address.port },
        );
      }
      const listener = await openListener(address, (socket) => {
        if (unprotected) plainTcp.add(socket);
        connections.accept(socket);
      });
      listeners.push(listener);
      return listener;
    },
    async close(graceMs = 1000) {
      const closed = Promise.all(listeners.splice(0).map((listener) => listener.close()));
      connections.closeIdle();
      const timer = setTimeout(() => connections.closeAll(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
