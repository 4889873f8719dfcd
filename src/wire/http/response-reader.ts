import type { Connection } from "./connection.ts";

/** The status line and headers of a response (RFC 9112). Header names are lower-case. */
export type ResponseHead = { readonly status: number; readonly headers: ReadonlyMap<string, string> };

const headLimitBytes = 256 * 1024;
const empty = new Uint8Array(0);

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}

function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** How a reader tells its caller what a peer did wrong, in the caller's words. */
export type ReaderFaults = {
  /** What came is not HTTP. */
  malformed(what: string): Error;
  /** The connection ended before the answer did. */
  lost(): Error;
};

function parseHead(text: string, faults: ReaderFaults): ResponseHead {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3})(?: .*)?$/.exec(statusLine);
  if (match === null) throw faults.malformed(`"${statusLine.slice(0, 80)}" is no status line`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw faults.malformed("a header line has no name");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    // RFC 9110, 5.3: repeated fields are one list.
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(match[1]), headers };
}

/** Reads responses from one connection, one after the other. */
export class ResponseReader {
  readonly #connection: Connection;
  readonly #faults: ReaderFaults;
  #buffer: Uint8Array = empty;

  constructor(connection: Connection, faults: ReaderFaults) {
    this.#connection = connection;
    this.#faults = faults;
  }

  /** Reads up to and including the blank line after the headers; skips interim 1xx answers except 101. */
  async readHead(): Promise<ResponseHead> {
    for (;;) {
      const head = await this.#readOneHead();
      if (head.status >= 200 || head.status === 101) return head;
    }
  }

  async #readOneHead(): Promise<ResponseHead> {
    let searched = 0;
    for (;;) {
      const end = Buffer.from(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.byteLength).indexOf(
        "\r\n\r\n",
        Math.max(0, searched - 3),
      );
      if (end >= 0) {
        const text = decodeLatin1(this.#buffer.subarray(0, end));
        this.#buffer = this.#buffer.subarray(end + 4);
        return parseHead(text, this.#faults);
      }
      searched = this.#buffer.length;
      if (searched > headLimitBytes) throw this.#faults.malformed("its head has no end");
      if (!(await this.#fill())) throw this.#faults.lost();
    }
  }

  async #fill(): Promise<boolean> {
    const chunk = await this.#connection.read();
    if (chunk === undefined) return false;
    this.#buffer = concat(this.#buffer, chunk);
    return true;
  }

  /** The next bytes as they come, whatever they mean: for hijacked streams and bodies that end with the connection. */
  async readRaw(): Promise<Uint8Array | undefined> {
    if (this.#buffer.length === 0) return this.#connection.read();
    const chunk = this.#buffer;
    this.#buffer = empty;
    return chunk;
  }

  /** The body that follows `head`; returns true at its end when the connection can carry another request. */
  async *readBody(method: string, head: ResponseHead): AsyncGenerator<Uint8Array, boolean> {
    const { status, headers } = head;
    const keepAlive = headers.get("connection")?.toLowerCase() !== "close";
    if (method === "HEAD" || status === 204 || status === 304) return keepAlive;
    if (headers.get("transfer-encoding")?.toLowerCase() === "chunked") {
      yield* this.#readChunked();
      return keepAlive;
    }
    const length = headers.get("content-length");
    if (length !== undefined) {
      if (!/^\d+$/.test(length)) throw this.#faults.malformed(`"${length}" is no content length`);
      yield* this.#readExactly(Number(length));
      return keepAlive;
    }
    for (;;) {
      const chunk = await this.readRaw();
      if (chunk === undefined) return false;
      yield chunk;
    }
  }

  async *#readExactly(length: number): AsyncGenerator<Uint8Array, void> {
    let missing = length;
    while (missing > 0) {
      const chunk = await this.readRaw();
      if (chunk === undefined) throw this.#faults.lost();
      if (chunk.length > missing) this.#buffer = chunk.subarray(missing);
      const part = chunk.subarray(0, missing);
      missing -= part.length;
      yield part;
    }
  }

  async #readLine(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(10);
      if (end >= 0) {
        const line = decodeLatin1(this.#buffer.subarray(0, end)).replace(/\r$/, "");
        this.#buffer = this.#buffer.subarray(end + 1);
        return line;
      }
      if (this.#buffer.length > headLimitBytes) throw this.#faults.malformed("a chunk header has no end");
      if (!(await this.#fill())) throw this.#faults.lost();
    }
  }

  async *#readChunked(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const line = await this.#readLine();
      const match = /^([0-9a-f]+)\s*(?:;.*)?$/i.exec(line);
      if (match === null) throw this.#faults.malformed("a chunk has no length");
      const length = Number.parseInt(match[1] ?? "0", 16);
      if (length === 0) break;
      yield* this.#readExactly(length);
      if ((await this.#readLine()) !== "") throw this.#faults.malformed("a chunk is longer than it says");
    }
    // Trailers carry nothing the API uses.
    while ((await this.#readLine()) !== "");
  }
}
