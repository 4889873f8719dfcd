import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { EngineError, errorMessage, type Logger } from "#base";
import { serverErrors } from "../errors.ts";
import type { ServerParts } from "../parts.ts";
import { statusOf } from "../status.ts";
import { hasBody, parseBody, readAll, requestBody } from "./body.ts";
import { type QueryFields, readQuery } from "./query.ts";
import { writeRawReply } from "./raw-reply.ts";
import type { HijackCall, Reply, Route } from "./route.ts";
import type { Router } from "./router.ts";
import { isGone } from "./stream-reply.ts";
import { MAX_API_VERSION, splitVersion } from "./version.ts";

/** Turns requests into calls of handlers and their results, or errors, into answers. */
export type Dispatch = {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, upgraded: boolean): void;
};

const noFields: QueryFields = {};
const emptyBody = Buffer.alloc(0);
/** What a client may still send after its request was refused, before the connection is cut. */
const DISCARD_LIMIT_BYTES = 64 * 1024 * 1024;

/** The headers every answer carries. */
export function standardHeaders(parts: Pick<ServerParts, "version">): readonly (readonly [string, string])[] {
  return [
    ["Api-Version", MAX_API_VERSION],
    ["Docker-Experimental", String(parts.version.experimental)],
    ["Ostype", "linux"],
    ["Server", `Docker/${parts.version.version} (linux)`],
  ];
}

type Found = {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  readonly version: number;
  readonly search: string;
};

export function createDispatch(router: Router, parts: ServerParts): Dispatch {
  const headers = standardHeaders(parts);

  function find(request: IncomingMessage): Found {
    const url = request.url ?? "/";
    if (!url.startsWith("/")) throw serverErrors["malformed-request"]("the path must start with a slash");
    const question = url.indexOf("?");
    const whole = question === -1 ? url : url.slice(0, question);
    const { version, path } = splitVersion(whole);
    const found = router(request.method ?? "GET", path);
    if (found === undefined || version < (found.route.since ?? 0)) throw serverErrors["page-not-found"]();
    return { ...found, version, search: question === -1 ? "" : url.slice(question + 1) };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { route, params, version, search } = find(request);
    if (route.hijack)
      throw serverErrors["malformed-request"]("this call takes over its connection, which HTTP/1.0 cannot");
    let signal: AbortSignal | undefined;
    const query = readQuery(route.query ?? noFields, search);
    let body: unknown;
    if (route.body !== undefined) {
      const bytes = hasBody(request) ? await readAll(requestBody(request)) : emptyBody;
      body = parseBody(route.body, bytes, request.headers["content-type"]);
      if (body === undefined && route.bodyRequired === true) throw serverErrors["invalid-body"]("it is empty");
    }
    const call = {
      parts,
      version,
      params,
      query,
      body,
      request,
      response,
      get signal() {
        return (signal ??= abortWith(response));
      },
    };
    const result = route.handle(call as never);
    const reply = result instanceof Promise ? await result : result;
    if (reply !== undefined) send(response, reply);
  }

  function send(response: ServerResponse, reply: Reply): void {
    response.statusCode = reply.status;
    if (reply.kind === "empty" || reply.kind === "text") {
      const extra = reply.headers ?? [];
      for (let index = 0; index + 1 < extra.length; index += 2)
        response.setHeader(extra[index] ?? "", extra[index + 1] ?? "");
    }
    switch (reply.kind) {
      case "empty":
        // 204 and 304 have no length by definition (RFC 9110, 8.6).
        if (reply.status !== 204 && reply.status !== 304 && !response.hasHeader("Content-Length"))
          response.setHeader("Content-Length", "0");
        response.end();
        return;
      case "text":
        response.setHeader("Content-Length", Buffer.byteLength(reply.text));
        response.end(reply.text);
        return;
      case "json":
        endJson(response, `${JSON.stringify(reply.value)}\n`);
        return;
      case "serialised":
        endJson(response, reply.text);
    }
  }

  function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (isGone(response)) return;
    if (response.headersSent) {
      // Too late for a status. The connection ends early, so that the client does not take half for the whole.
      parts.logger.debug("an answer broke off", { url: request.url, error: errorMessage(error) });
      response.destroy();
      return;
    }
    const reply = errorReply(error, parts.logger, request);
    if (reply.kind === "empty") {
      send(response, reply);
      return;
    }
    if (!request.complete && hasBody(request)) {
      discard(request);
    }
    send(response, reply);
  }

  return {
    request(request, response) {
      for (const [name, value] of headers) response.setHeader(name, value);
      response.on("error", () => response.destroy());
      handle(request, response).catch((error: unknown) => fail(request, response, error));
    },
    upgrade(request, socket, head, upgraded) {
      handleHijack(request, socket, head, upgraded).catch((error: unknown) => {
        writeRawReply(socket, errorReply(error, parts.logger, request), headers);
      });
    },
  };

  async function handleHijack(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    upgraded: boolean,
  ): Promise<void> {
    const { route, params, version, search } = find(request);
    if (!route.hijack) throw serverErrors["page-not-found"]();
    let signal: AbortSignal | undefined;
    const call = {
      parts,
      version,
      params,
      query: readQuery(route.query ?? noFields, search),
      body: undefined,
      request,
      socket,
      head,
      upgraded,
      get signal() {
        return (signal ??= abortWith(socket));
      },
    } satisfies HijackCall<unknown>;
    const reply = await route.handle(call as never);
    if (reply !== undefined) writeRawReply(socket, reply, headers);
  }
}

function endJson(response: ServerResponse, text: string): void {
  response.setHeader("Content-Type", "application/json");
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(text);
}

/** Reads on without keeping anything, so that the client gets to the answer; cuts off one that never stops. */
function discard(request: IncomingMessage): void {
  let seen = 0;
  request.on("error", () => {});
  request.on("data", (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > DISCARD_LIMIT_BYTES) request.destroy();
  });
}

function abortWith(stream: ServerResponse | Duplex): AbortSignal {
  const controller = new AbortController();
  if (stream.destroyed) controller.abort();
  else stream.once("close", () => controller.abort());
  return controller.signal;
}

/** Docker's error form: `message` is what clients match on and print; `hint` is ours. */
export function errorReply(error: unknown, logger: Logger, request: Pick<IncomingMessage, "method" | "url">): Reply {
  // Our own names are short: only what the client gave can be too long for the kernel, wherever it comes to light.
  if (!(error instanceof EngineError) && /\bENAMETOOLONG\b/.test(errorMessage(error)))
    return errorReply(serverErrors["name-too-long"](), logger, request);
  if (!(error instanceof EngineError)) {
    logger.error("a request failed unexpectedly", {
      method: request.method,
      path: (request.url ?? "").split("?")[0],
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return { kind: "json", status: 500, value: { message: errorMessage(error) } };
  }
  const status = statusOf(error.kind);
  if (status === 304) return { kind: "empty", status };
  return {
    kind: "json",
    status,
    value: error.hint === undefined ? { message: error.message } : { message: error.message, hint: error.hint },
  };
}
