import { EngineError } from "#base";
import {
  type Connection,
  type Dialer,
  type Endpoint,
  type ReaderFaults,
  type ResponseHead,
  ResponseReader,
} from "#wire";
import { clientErrors, daemonError } from "./errors.ts";
import { decodeText } from "./text.ts";

export type QueryValue = string | number | boolean | undefined | readonly string[];

export type RequestOptions = {
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent chunked while it is produced. */
  readonly stream?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** `berth` addresses the routes beyond Docker's API, under `/berth/v1`. @default "docker" */
  readonly area?: "docker" | "berth";
  /** Statuses besides 2xx that are no error. */
  readonly accept?: readonly number[];
};

/** An answer whose body is still to be read. Reading to the end, or `cancel`, frees the connection. */
export type StreamingResponse = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
  json<T>(): Promise<T>;
  cancel(): void;
};

/** A connection that has left HTTP: bytes both ways, each direction ends by itself. */
export type HijackedStream = {
  /** The daemon's `Content-Type`; tells framed from raw streams since API 1.42. */
  readonly contentType: string;
  read(): Promise<Uint8Array | undefined>;
  write(data: Uint8Array | string): Promise<void>;
  end(): void;
  destroy(): void;
};

export type Transport = {
  request(method: string, path: string, options?: RequestOptions): Promise<StreamingResponse>;
  hijack(path: string, options?: RequestOptions): Promise<HijackedStream>;
  /** The API version in use; asks the daemon when it is not known yet. */
  apiVersion(): Promise<string>;
  readonly endpoint: Endpoint;
  /** A connection that carries no request of ours. */
  dial(): Promise<Connection>;
  close(): void;
};

export type TransportOptions = {
  readonly endpoint: Endpoint;
  readonly dial: Dialer;
  /** The newest version to use. */
  readonly maximumVersion: string;
  /** Use exactly this version. */
  readonly pinnedVersion?: string | undefined;
  readonly userAgent: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
};

function queryString(query: RequestOptions["query"]): string {
  if (query === undefined) return "";
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === "" || value === false) continue;
    for (const each of typeof value === "object" ? value : [value]) {
      parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(each === true ? "1" : String(each))}`);
    }
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** Compares `1.50` with `1.9` as versions. */
export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split(".").map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split(".").map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}

const readerFaults: ReaderFaults = {
  malformed: (what) => clientErrors["malformed-response"](what),
  lost: () => clientErrors["connection-lost"](),
};

function connectError(endpoint: Endpoint, error: unknown): Error {
  const code = (error as { code?: string } | null)?.code;
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause instanceof EngineError || cause.name === "AbortError") return cause;
  if (code === "EACCES" || code === "EPERM") return clientErrors["daemon-permission"](endpoint.address);
  const reason =
    code === "ENOENT" ? "nothing listens there" : code === "ECONNREFUSED" ? "connection refused" : cause.message;
  return clientErrors["daemon-unreachable"](endpoint.address, reason);
}

/**
 * HTTP/1.1 as the API needs it: kept-alive connections, streams both ways at once, hijacking. The version prefix is
 * settled without a round trip: the first request goes out with our newest version, and a daemon that is older refuses
 * it by naming its own ("Maximum supported API version is …") before it does anything.
 */
export function createTransport(options: TransportOptions): Transport {
  const { endpoint, dial } = options;
  const idle: { connection: Connection; reader: ResponseReader }[] = [];
  let version = options.pinnedVersion;
  let settled = version !== undefined;

  async function connect(signal: AbortSignal | undefined) {
    for (;;) {
      const kept = idle.pop();
      if (kept === undefined) break;
      if (kept.connection.isOpen) return { ...kept, isFresh: false };
    }
    try {
      const connection = await dial(endpoint, signal);
      return { connection, reader: new ResponseReader(connection, readerFaults), isFresh: true };
    } catch (error) {
      throw connectError(endpoint, error);
    }
  }

  function headOf(method: string, target: string, wanted: RequestOptions, json: string | undefined, upgrade: boolean) {
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: ${endpoint.kind === "unix" ? "localhost" : endpoint.host}`,
      `User-Agent: ${options.userAgent}`,
    ];
    for (const headers of [options.headers, wanted.headers]) {
      for (const name in headers) lines.push(`${name}: ${(headers[name] ?? "").replace(/[\r\n]/g, " ")}`);
    }
    if (upgrade) lines.push("Connection: Upgrade", "Upgrade: tcp");
    if (json !== undefined) lines.push("Content-Type: application/json", `Content-Length: ${Buffer.byteLength(json)}`);
    else if (wanted.stream !== undefined) lines.push("Transfer-Encoding: chunked");
    else if (method !== "GET" && method !== "HEAD") lines.push("Content-Length: 0");
    return `${lines.join("\r\n")}\r\n\r\n${json ?? ""}`;
  }

  /** Sends a chunked body; stops quietly when the daemon answers before it has all of it. */
  async function upload(connection: Connection, stream: AsyncIterable<Uint8Array>, isAnswered: () => boolean) {
    for await (const chunk of stream) {
      if (isAnswered() || !connection.isOpen) return;
      if (chunk.length === 0) continue;
      void connection.write(`${chunk.length.toString(16)}\r\n`);
      void connection.write(chunk);
      await connection.write("\r\n");
    }
    await connection.write("0\r\n\r\n");
  }

  async function exchange(method: string, target: string, wanted: RequestOptions, upgrade: boolean) {
    const json = wanted.json === undefined ? undefined : JSON.stringify(wanted.json);
    const { signal } = wanted;
    for (let attempt = 0; ; attempt++) {
      const { connection, reader, isFresh } = await connect(signal);
      const onAbort = () => connection.destroy(signal?.reason as Error);
      if (signal?.aborted === true) onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      const release = () => signal?.removeEventListener("abort", onAbort);
      let answered = false;
      let uploading: Promise<void> | undefined;
      try {
        const written = connection.write(headOf(method, target, wanted, json, upgrade));
        if (wanted.stream === undefined) await written;
        let uploadError: unknown;
        let uploadDone = wanted.stream === undefined;
        if (wanted.stream !== undefined) {
          uploading = upload(connection, wanted.stream, () => answered).then(
            () => {
              uploadDone = true;
            },
            (error: unknown) => {
              uploadError = error;
              if (!answered) connection.destroy(error instanceof Error ? error : new Error(String(error)));
            },
          );
        }
        const head = await reader.readHead();
        answered = head.status >= 400;
        return { connection, reader, head, release, isUploadDone: () => uploadDone && uploadError === undefined };
      } catch (error) {
        release();
        connection.destroy();
        // A kept connection may have died while idle; asking again is safe for requests that change nothing.
        if (!isFresh && attempt === 0 && (method === "GET" || method === "HEAD") && signal?.aborted !== true) continue;
        throw error;
      } finally {
        uploading?.catch(() => {});
      }
    }
  }

  function wrapResponse(method: string, exchanged: Awaited<ReturnType<typeof exchange>>): StreamingResponse {
    const { connection, reader, head, release, isUploadDone } = exchanged;
    async function* readBody(): AsyncGenerator<Uint8Array> {
      let finished = false;
      try {
        const reusable = yield* reader.readBody(method, head);
        finished = true;
        if (reusable && isUploadDone() && connection.isOpen) idle.push({ connection, reader });
        else connection.destroy();
      } finally {
        release();
        if (!finished) connection.destroy();
      }
    }
    const body = readBody();
    const text = async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return decodeText(chunks);
    };
    return {
      status: head.status,
      headers: head.headers,
      body,
      text,
      json: async <T>() => JSON.parse(await text()) as T,
      cancel: () => {
        release();
        connection.destroy();
      },
    };
  }

  function targetOf(path: string, wanted: RequestOptions): string {
    const prefix = wanted.area === "berth" ? "/berth/v1" : `/v${version ?? options.maximumVersion}`;
    return `${prefix}${path}${queryString(wanted.query)}`;
  }

  async function ping(signal: AbortSignal | undefined): Promise<void> {
    const response = wrapResponse("HEAD", await exchange("HEAD", "/_ping", { signal }, false));
    await response.text();
    const theirs = response.headers.get("api-version") ?? "1.24";
    version = compareVersions(theirs, options.maximumVersion) < 0 ? theirs : options.maximumVersion;
    settled = true;
  }

  /** Follows a daemon that is older than our version down to its own; true when the request is worth repeating. */
  function followDown(status: number, body: string): boolean {
    if (settled || status !== 400) return false;
    const match = /Maximum supported API version is (\d+\.\d+)/.exec(body);
    if (match === null) return false;
    version = match[1];
    settled = true;
    return true;
  }

  const noteVersion = (head: ResponseHead) => {
    if (settled || head.status >= 400) return;
    version = options.maximumVersion;
    settled = true;
  };

  async function request(
    method: string,
    path: string,
    requestOptions: RequestOptions = {},
  ): Promise<StreamingResponse> {
    // A streamed body cannot be sent twice, and the answer to HEAD has no words: neither can find the version.
    if (!settled && (requestOptions.stream !== undefined || method === "HEAD")) await ping(requestOptions.signal);
    for (;;) {
      const target = targetOf(path, requestOptions);
      const response = wrapResponse(method, await exchange(method, target, requestOptions, false));
      noteVersion(response);
      if (response.status < 300 || requestOptions.accept?.includes(response.status) === true) return response;
      const body = await response.text();
      if (!followDown(response.status, body)) throw daemonError(response.status, body, target);
    }
  }

  async function hijack(path: string, requestOptions: RequestOptions = {}): Promise<HijackedStream> {
    for (;;) {
      const target = targetOf(path, requestOptions);
      const exchanged = await exchange("POST", target, requestOptions, true);
      const { head, connection, reader, release } = exchanged;
      noteVersion(head);
      if (head.status === 101) {
        return {
          contentType: head.headers.get("content-type") ?? "",
          read: () => reader.readRaw(),
          write: (data) => connection.write(data),
          end: () => connection.end(),
          destroy: () => {
            release();
            connection.destroy();
          },
        };
      }
      const body = await wrapResponse("POST", exchanged).text();
      if (head.status < 400) throw clientErrors["upgrade-refused"](head.status);
      if (!followDown(head.status, body)) throw daemonError(head.status, body, target);
    }
  }

  return {
    request,
    hijack,
    endpoint,
    async dial() {
      try {
        return await dial(endpoint, undefined);
      } catch (error) {
        throw connectError(endpoint, error);
      }
    },
    async apiVersion() {
      if (!settled) await ping(undefined);
      return version ?? options.maximumVersion;
    },
    close() {
      for (const { connection } of idle.splice(0)) connection.destroy();
    },
  };
}
