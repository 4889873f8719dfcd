import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createGrpcClient, type GrpcClient } from "#grpc";
import { errors } from "../errors.ts";

/** A client that stays reachable while its builds run, and what it offers. */
export type Session = {
  readonly id: string;
  /** What the client calls it: the last part of its directory, usually. */
  readonly name: string;
  /** The same for all sessions of one client (of one directory, with older ones); empty when it says none. */
  readonly sharedKey: string;
  readonly client: GrpcClient;
  /** True when the client answers a method, "/package.Service/Method". */
  offers(method: string): boolean;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
};

/** The sessions that are open now. */
export type Sessions = {
  /** Makes a session of a connection that was taken over; it lives as long as the connection. */
  open(socket: Duplex, head: Buffer, offer: SessionOffer): void;
  /** A session by its id; waits for it, as clients ask for a build and open its session at once. */
  get(id: string, signal: AbortSignal): Promise<Session>;
};

/** What a client says of itself when it opens a session. */
export type SessionOffer = {
  readonly id: string;
  readonly name: string;
  readonly sharedKey: string;
  readonly methods: readonly string[];
};

/** Clients open both at once; what has not come by then never will. */
const arrivalMs = 10_000;

/** Reads the headers of `POST /session`. */
export function readSessionOffer(headers: IncomingMessage["headers"]): SessionOffer {
  const first = (name: string) => {
    const value = headers[name];
    return (Array.isArray(value) ? value[0] : value) ?? "";
  };
  const methods = headers["x-docker-expose-session-grpc-method"] ?? [];
  const id = first("x-docker-expose-session-uuid");
  if (id === "") throw errors["session-without-id"]();
  return {
    id,
    name: first("x-docker-expose-session-name"),
    sharedKey: first("x-docker-expose-session-sharedkey"),
    // Repeated headers of one name arrive joined.
    methods: (Array.isArray(methods) ? methods : methods.split(",")).map((method) => method.trim().toLowerCase()),
  };
}

/** Makes the set of sessions, empty. */
export function createSessions(): Sessions {
  const open = new Map<string, Session>();
  const waiting = new Map<string, Set<(session: Session) => void>>();
  return {
    open: (socket, head, { id, name, sharedKey, methods }) => {
      const client = createGrpcClient(socket, head);
      const gone = new AbortController();
      const offered = new Set(methods);
      const session: Session = {
        id,
        name,
        sharedKey,
        client,
        // Method names are compared as the clients write them in the header: in lower case by some, as they are by others.
        offers: (method) => offered.has(method.toLowerCase()),
        signal: gone.signal,
      };
      open.set(id, session);
      void client.closed.then(() => {
        if (open.get(id) === session) open.delete(id);
        gone.abort(errors["session-lost"]());
      });
      for (const found of waiting.get(id) ?? []) found(session);
      waiting.delete(id);
    },
    get: (id, signal) => {
      const session = open.get(id);
      if (session !== undefined) return Promise.resolve(session);
      return new Promise((resolve, reject) => {
        const settle = (result: Session | undefined) => {
          clearTimeout(timer);
          signal.removeEventListener("abort", aborted);
          waiting.get(id)?.delete(settle);
          if (waiting.get(id)?.size === 0) waiting.delete(id);
          if (result !== undefined) resolve(result);
          else reject(signal.aborted ? errors["session-lost"]() : errors["session-unknown"](id));
        };
        const aborted = () => settle(undefined);
        const timer = setTimeout(() => settle(undefined), arrivalMs);
        signal.addEventListener("abort", aborted, { once: true });
        const waiters = waiting.get(id) ?? new Set();
        waiters.add(settle);
        waiting.set(id, waiters);
        if (signal.aborted) aborted();
      });
    },
  };
}
