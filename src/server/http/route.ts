import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { GenericSchema, InferOutput } from "valibot";
import type { ServerParts } from "../parts.ts";
import type { QueryFields, QueryOf } from "./query.ts";
import type { ApiVersion } from "./version.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS";

/** What a handler returns to be sent; a handler that has written to `response` itself returns nothing. */
export type Reply =
  | { readonly kind: "json"; readonly status: number; readonly value: unknown }
  /** JSON that is serialised already. */
  | { readonly kind: "serialised"; readonly status: number; readonly text: string }
  | { readonly kind: "text"; readonly status: number; readonly text: string; readonly headers?: readonly string[] }
  | { readonly kind: "empty"; readonly status: number; readonly headers?: readonly string[] };

/** One call as its handler sees it: everything parsed and checked. */
export type Call<Query, Body> = {
  readonly parts: ServerParts;
  readonly version: ApiVersion;
  /** Decoded parts of the path, by their name in the pattern. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the client goes away before the answer is complete. Made on first use. */
  readonly signal: AbortSignal;
};

/** A call that may take over its connection (attach, exec start). */
export type HijackCall<Query> = Omit<Call<Query, undefined>, "response"> & {
  /** The raw connection; `head` are bytes of body or stdin that came along with the request's head. */
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The client asked for the upgrade itself, so it expects 101 instead of 200. */
  readonly upgraded: boolean;
};

type Declaration<Fields extends QueryFields> = {
  readonly method: Method;
  /** Pattern: `{id}` is one segment, `{name...}` any number of them (image names have slashes). */
  readonly path: string;
  /** First API version that has it, as a minor number. @default 24 */
  readonly since?: ApiVersion;
  readonly query?: Fields;
};

/** One route of the API, declared once: the router, the validation and the compatibility table all read this. */
export type Route = Declaration<QueryFields> & {
  readonly body?: GenericSchema | undefined;
  /** False = no body is the same as no fields. */
  readonly bodyRequired?: boolean | undefined;
} & (
    | { readonly hijack: false; readonly handle: (call: Call<never, never>) => Reply | void | Promise<Reply | void> }
    | { readonly hijack: true; readonly handle: (call: HijackCall<never>) => Reply | void | Promise<Reply | void> }
  );

/** Declares a route without a JSON body; its handler may read `call.request` itself. */
export function route<Fields extends QueryFields = {}>(
  declaration: Declaration<Fields> & {
    readonly handle: (call: Call<QueryOf<Fields>, undefined>) => Reply | void | Promise<Reply | void>;
  },
): Route {
  return { ...declaration, hijack: false } as unknown as Route;
}

/** Declares a route whose JSON body is validated by `body` before the handler runs. */
export function jsonRoute<Schema extends GenericSchema, Fields extends QueryFields = {}>(
  declaration: Declaration<Fields> & {
    readonly body: Schema;
    readonly handle: (call: Call<QueryOf<Fields>, InferOutput<Schema>>) => Reply | void | Promise<Reply | void>;
  },
): Route {
  return { ...declaration, bodyRequired: true, hijack: false } as unknown as Route;
}

/** As `jsonRoute`, but the body may be left out. */
export function optionalJsonRoute<Schema extends GenericSchema, Fields extends QueryFields = {}>(
  declaration: Declaration<Fields> & {
    readonly body: Schema;
    readonly handle: (
      call: Call<QueryOf<Fields>, InferOutput<Schema> | undefined>,
    ) => Reply | void | Promise<Reply | void>;
  },
): Route {
  return { ...declaration, bodyRequired: false, hijack: false } as unknown as Route;
}

/** Declares a route that takes over the connection. */
export function hijackRoute<Fields extends QueryFields = {}>(
  declaration: Declaration<Fields> & {
    readonly handle: (call: HijackCall<QueryOf<Fields>>) => Reply | void | Promise<Reply | void>;
  },
): Route {
  return { ...declaration, hijack: true } as unknown as Route;
}

/** A JSON answer. */
export function jsonReply(value: unknown, status = 200): Reply {
  return { kind: "json", status, value };
}

/** An answer without a body. */
export function emptyReply(status = 204, headers?: readonly string[]): Reply {
  return headers === undefined ? { kind: "empty", status } : { kind: "empty", status, headers };
}
