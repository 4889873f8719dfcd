/** A message of HTTP/1.1 as it went over a connection. */
export type HttpMessage = {
  /** Request or status line. */
  readonly line: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** False when the body was too long to keep, or broke off. */
  readonly whole: boolean;
};

type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; left: number }
  | { readonly kind: "chunked"; state: "size" | "data" | "end" | "trailer"; left: number }
  | { readonly kind: "close" };

const KEPT_BYTES = 8 * 1024 * 1024;
const emptyBuffer = Buffer.alloc(0);

/**
 * Reads the messages in one direction of a connection, in whatever pieces they come; stops at what is no HTTP and
 * where HTTP ends (101).
 */
export function createMessageReader(options: {
  readonly kind: "request" | "response";
  /** For responses: whether a body may follow at all (not after HEAD). */
  readonly bodiless?: (line: string) => boolean;
  /** As soon as a head is read, before its body. */
  readonly onHead?: (line: string) => void;
  readonly onMessage?: (message: HttpMessage) => void;
}): { push(chunk: Buffer): void; end(): void } {
  let buffer: Buffer = emptyBuffer;
  let head: { line: string; headers: Map<string, string> } | undefined;
  let framing: Framing = { kind: "none" };
  let parts: Buffer[] = [];
  let size = 0;
  let dead = false;

  const keep = (chunk: Buffer) => {
    size += chunk.length;
    if (size <= KEPT_BYTES) parts.push(Buffer.from(chunk));
  };
  const finish = (whole: boolean) => {
    if (head === undefined) return;
    options.onMessage?.({ ...head, body: Buffer.concat(parts), whole: whole && size <= KEPT_BYTES });
    head = undefined;
    parts = [];
    size = 0;
  };
  const line = (): string | undefined => {
    const end = buffer.indexOf("\r\n");
    if (end === -1) return undefined;
    const text = buffer.subarray(0, end).toString("latin1");
    buffer = buffer.subarray(end + 2);
    return text;
  };

  /** One step; false when more bytes are needed. */
  function step(): boolean {
    if (head === undefined) {
      const end = buffer.indexOf("\r\n\r\n");
      if (end === -1) {
        if (buffer.length > 256 * 1024) dead = true;
        return false;
      }
      const [first = "", ...rest] = buffer.subarray(0, end).toString("latin1").split("\r\n");
      buffer = buffer.subarray(end + 4);
      const headers = new Map<string, string>();
      for (const text of rest) {
        const colon = text.indexOf(":");
        headers.set(text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim());
      }
      head = { line: first, headers };
      const status = options.kind === "response" ? Number(first.split(" ")[1]) : 0;
      const length = headers.get("content-length");
      if (options.kind === "response" ? !first.startsWith("HTTP/1.") : !/^[A-Z]+ \S+ HTTP\/1\.[01]$/.test(first)) {
        dead = true;
        return false;
      }
      options.onHead?.(first);
      if (status === 100) {
        head = undefined;
        return true;
      }
      if (status === 101 || status === 204 || status === 304 || options.bodiless?.(first) === true)
        framing = { kind: "none" };
      else if ((headers.get("transfer-encoding") ?? "").includes("chunked"))
        framing = { kind: "chunked", state: "size", left: 0 };
      else if (length !== undefined) framing = { kind: "length", left: Number(length) };
      else framing = options.kind === "response" ? { kind: "close" } : { kind: "none" };
      if (framing.kind === "none" || (framing.kind === "length" && framing.left === 0)) finish(true);
      if (status === 101) dead = true;
      return true;
    }
    switch (framing.kind) {
      case "none":
        return true;
      case "close":
        keep(buffer);
        buffer = emptyBuffer;
        return false;
      case "length": {
        const taken = buffer.subarray(0, framing.left);
        keep(taken);
        buffer = buffer.subarray(taken.length);
        framing.left -= taken.length;
        if (framing.left > 0) return false;
        finish(true);
        return true;
      }
      case "chunked": {
        if (framing.state === "data") {
          const taken = buffer.subarray(0, framing.left);
          keep(taken);
          buffer = buffer.subarray(taken.length);
          framing.left -= taken.length;
          if (framing.left > 0) return false;
          framing.state = "end";
          return true;
        }
        const text = line();
        if (text === undefined) return false;
        if (framing.state === "end") framing.state = "size";
        else if (framing.state === "size") {
          framing.left = Number.parseInt(text, 16);
          if (Number.isNaN(framing.left)) dead = true;
          framing.state = framing.left === 0 ? "trailer" : "data";
        } else if (text === "") finish(true);
        return !dead;
      }
    }
  }

  return {
    push(chunk) {
      if (dead) return;
      buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
      while (buffer.length > 0 && !dead && step());
      if (dead) buffer = emptyBuffer;
    },
    end() {
      if (!dead && head !== undefined) finish(framing.kind === "close");
      dead = true;
    },
  };
}
