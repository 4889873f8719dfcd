import { Semaphore } from "#base";
import { type Connection, type ResponseHead, ResponseReader } from "#wire";
import { dial, type Dialed, proxyHeaders } from "./dial.ts";
import { BrokenAnswer, requestFailure, StallError } from "./faults.ts";
import type { RegistrySettings } from "./settings.ts";

/** A request's body: bytes at hand, or bytes that are made while they are sent. */
export type RequestBody =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | {
      readonly kind: "stream";
      /** Undefined: sent in chunks. */
      readonly sizeBytes: number | undefined;
      readonly open: () => AsyncIterable<Uint8Array>;
    };

/** One HTTP request; nothing is repeated or followed. */
export type RawRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
};

/** Its answer. The body must be read to its end or discarded: it holds a connection. */
export type RawResponse = {
  readonly url: URL;
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: AsyncGenerator<Uint8Array>;
  /** Gives the connection up, or back when little is left to read. */
  discard(): Promise<void>;
};

/** Connections to all registries, kept alive for a while. */
export type Connections = { send(request: RawRequest): Promise<RawResponse>; close(): void };

type Kept = Dialed & { readonly reader: ResponseReader; readonly since: number };

const STALL_MS = 60_000;
/** A connection is not used again after so long: servers close them, and a stream cannot be sent twice. */
const KEPT_MS = 4_000;
const KEPT_PER_HOST = 6;
/** What is worth reading for the sake of keeping a connection. */
const DISCARD_LIMIT = 64 * 1024;

/** Ends a connection on which a read or write waits for too long. A reader that pauses is not a stall. */
function watched(connection: Connection, stallMs: number): Connection {
  let waiting = 0;
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  const check = () => {
    timer = undefined;
    if (waiting === 0) return;
    const left = since + stallMs - performance.now();
    if (left <= 0) connection.destroy(new StallError(stallMs));
    else timer = setTimeout(check, left);
  };
  const wait = async <T>(work: Promise<T>): Promise<T> => {
    waiting++;
    since = performance.now();
    timer ??= setTimeout(check, stallMs);
    try {
      return await work;
    } finally {
      waiting--;
      since = performance.now();
      if (waiting === 0) {
        clearTimeout(timer);
        timer = undefined;
      }
    }
  };
  return {
    read: () => wait(connection.read()),
    write: (data) => wait(connection.write(data)),
    end: () => connection.end(),
    destroy: (reason) => connection.destroy(reason),
    get isOpen() {
      return connection.isOpen;
    },
  };
}

/** Sends a body; stops quietly when the answer comes first: the server has made up its mind. */
async function sendBody(
  connection: Connection,
  body: Extract<RequestBody, { kind: "stream" }>,
  isAnswered: () => boolean,
): Promise<boolean> {
  let sent = 0;
  for await (const chunk of body.open()) {
    if (isAnswered() || !connection.isOpen) return false;
    if (chunk.length === 0) continue;
    sent += chunk.length;
    if (body.sizeBytes === undefined) void connection.write(`${chunk.length.toString(16)}\r\n`);
    else if (sent > body.sizeBytes) throw new Error(`more than ${body.sizeBytes} bytes to send`);
    await connection.write(chunk);
    if (body.sizeBytes === undefined) void connection.write("\r\n");
  }
  if (body.sizeBytes === undefined) await connection.write("0\r\n\r\n");
  else if (sent < body.sizeBytes) throw new Error(`only ${sent} of ${body.sizeBytes} bytes to send`);
  return true;
}

function headOf(request: RawRequest, proxy: URL | undefined, userAgent: string): string {
  const { method, url, body } = request;
  const lines = [
    `${method} ${proxy === undefined ? url.pathname + url.search : url.href} HTTP/1.1`,
    `Host: ${url.host}`,
    `User-Agent: ${userAgent}`,
    ...(proxy === undefined ? [] : proxyHeaders(proxy)),
  ];
  for (const [name, value] of Object.entries(request.headers)) lines.push(`${name}: ${value.replace(/[\r\n]/g, " ")}`);
  if (body?.kind === "bytes") lines.push(`Content-Length: ${body.bytes.byteLength}`);
  else if (body?.kind === "stream") {
    lines.push(body.sizeBytes === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${body.sizeBytes}`);
  } else if (method !== "GET" && method !== "HEAD") lines.push("Content-Length: 0");
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** HTTP/1.1 to any host: see `Connections`. */
export function createConnections(settings: RegistrySettings): Connections {
  const idle = new Map<string, Kept[]>();
  const limits = new Map<string, Semaphore>();
  const stallMs = settings.stallMs ?? STALL_MS;
  const keyOf = (request: RawRequest) => `${request.url.origin} ${request.verify}`;

  const take = async (request: RawRequest): Promise<Kept & { readonly isFresh: boolean }> => {
    const kept = idle.get(keyOf(request)) ?? [];
    for (let candidate = kept.pop(); candidate !== undefined; candidate = kept.pop()) {
      if (candidate.connection.isOpen && performance.now() - candidate.since < KEPT_MS) {
        return { ...candidate, isFresh: false };
      }
      candidate.connection.destroy();
    }
    const { verify, signal } = request;
    const dialed = await dial(request.url, {
      verify,
      certificateDirectories: settings.certificateDirectories,
      signal,
    });
    const connection = watched(dialed.connection, stallMs);
    const reader = new ResponseReader(connection, {
      malformed: (what) => new BrokenAnswer(`malformed HTTP response: ${what}`),
      lost: () => new BrokenAnswer("unexpected EOF"),
    });
    return { connection, proxy: dialed.proxy, reader, since: 0, isFresh: true };
  };

  const give = (key: string, used: Kept) => {
    const kept = idle.get(key) ?? [];
    idle.set(key, kept);
    if (kept.length >= KEPT_PER_HOST) {
      used.connection.destroy();
      return;
    }
    const entry = { connection: used.connection, proxy: used.proxy, reader: used.reader, since: performance.now() };
    kept.push(entry);
    const timer = setTimeout(() => {
      const index = kept.indexOf(entry);
      if (index < 0) return;
      kept.splice(index, 1);
      entry.connection.destroy();
    }, KEPT_MS);
    timer.unref();
  };

  const exchange = async (request: RawRequest, release: () => void): Promise<RawResponse> => {
    const { method, body, signal } = request;
    const used = await take(request);
    const { connection, reader } = used;
    const onAbort = () => connection.destroy(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
    const end = (keep: boolean) => {
      signal?.removeEventListener("abort", onAbort);
      if (keep && signal?.aborted !== true) give(keyOf(request), used);
      else connection.destroy();
      release();
    };
    let head: ResponseHead;
    let isSent = true;
    try {
      void connection.write(headOf(request, used.proxy, settings.userAgent));
      if (body?.kind === "bytes") void connection.write(body.bytes);
      let answered = false;
      const answer = reader.readHead().finally(() => (answered = true));
      if (body?.kind === "stream") {
        // An answer that comes while the body is sent is looked at afterwards; its failure is the failure.
        answer.catch(() => {});
        isSent = await sendBody(connection, body, () => answered);
      }
      head = await answer;
    } catch (error) {
      signal?.removeEventListener("abort", onAbort);
      connection.destroy();
      signal?.throwIfAborted();
      // A kept connection that the server had closed meanwhile: nothing was lost but the attempt.
      if (!used.isFresh && body?.kind !== "stream") return exchange(request, release);
      throw error;
    }
    let ended = false;
    const finish = (keep: boolean) => {
      if (ended) return;
      ended = true;
      end(keep && isSent);
    };
    async function* read(): AsyncGenerator<Uint8Array> {
      let keep = false;
      try {
        keep = yield* reader.readBody(method, head);
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      } finally {
        finish(keep);
      }
    }
    const bodyOf = read();
    return {
      url: request.url,
      status: head.status,
      headers: head.headers,
      body: bodyOf,
      async discard() {
        if (ended) return;
        let left = DISCARD_LIMIT;
        const length = Number(head.headers.get("content-length") ?? 0);
        try {
          if (length <= left || method === "HEAD") {
            for await (const chunk of bodyOf) {
              left -= chunk.length;
              if (left < 0) break;
            }
          }
        } catch {
          // What is thrown away may be broken.
        }
        finish(false);
      },
    };
  };

  return {
    async send(request) {
      const key = request.url.origin;
      const limit = limits.get(key) ?? new Semaphore(settings.connectionsPerHost ?? 12);
      limits.set(key, limit);
      const granted = Promise.withResolvers<void>();
      const done = Promise.withResolvers<void>();
      void limit.run(() => {
        granted.resolve();
        return done.promise;
      });
      await granted.promise;
      try {
        request.signal?.throwIfAborted();
        return await exchange(request, () => done.resolve());
      } catch (error) {
        done.resolve();
        request.signal?.throwIfAborted();
        throw requestFailure(error, request.method, request.url);
      }
    },
    close() {
      for (const kept of idle.values()) for (const { connection } of kept.splice(0)) connection.destroy();
    },
  };
}
