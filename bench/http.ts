import { connect, type Socket } from "node:net";

/** An answer read to its end. */
export type Answer = {
  readonly status: number;
  readonly body: Buffer;
  /** The engine closes the connection after this one. */
  readonly last: boolean;
};

/** One keep-alive connection to a unix socket; requests go one after another. As thin as possible, so that the engine is measured. */
export type Connection = {
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  json<Document>(method: string, path: string, body?: unknown): Promise<Document>;
  close(): void;
};

export async function openConnection(path: string): Promise<Connection> {
  let socket = await dial(path);
  let read = answerReader(socket);
  const request = async (method: string, target: string, body?: unknown): Promise<Answer> => {
    if (socket.destroyed || socket.readableEnded) {
      // Engines close connections that were idle for long.
      socket = await dial(path);
      read = answerReader(socket);
    }
    const text = body === undefined ? "" : JSON.stringify(body);
    const head = [`${method} ${target} HTTP/1.1`, "Host: localhost"];
    if (body !== undefined) head.push("Content-Type: application/json");
    if (method !== "GET") head.push(`Content-Length: ${Buffer.byteLength(text)}`);
    const reading = read();
    socket.write(`${head.join("\r\n")}\r\n\r\n${text}`);
    const answer = await reading;
    if (answer.last) socket.destroy();
    return answer;
  };
  return {
    request,
    async json<Document>(method: string, target: string, body?: unknown) {
      const { status, body: bytes } = await request(method, target, body);
      if (status >= 300) throw new Error(`${method} ${target}: ${status} ${bytes.toString()}`);
      return JSON.parse(bytes.toString()) as Document;
    },
    close: () => void socket.destroy(),
  };
}

/** Posts `body` on a connection of its own, lets it be hijacked, and waits until the engine ends the stream. */
export async function streamToEnd(path: string, target: string, body: unknown): Promise<void> {
  const socket = await dial(path);
  const text = JSON.stringify(body);
  const head = [
    `POST ${target} HTTP/1.1`,
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: tcp",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  let first = "";
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => (first ||= chunk.toString("latin1")));
    socket.once("end", resolve);
    socket.once("error", reject);
    socket.write(`${head.join("\r\n")}\r\n\r\n${text}`);
  });
  socket.destroy();
  if (!/^HTTP\/1\.1 (101|200) /.test(first)) throw new Error(`POST ${target}: ${first}`);
}

async function dial(path: string): Promise<Socket> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

/** Reads answers off a socket in order: Content-Length, chunked, or without a body (204, 304). */
function answerReader(socket: Socket): () => Promise<Answer> {
  let buffer: Buffer = Buffer.alloc(0);
  let wake: (() => void) | undefined;
  let broken: Error | undefined;
  socket.on("data", (chunk: Buffer) => {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    wake?.();
  });
  socket.on("error", (error) => {
    broken = error;
    wake?.();
  });
  socket.on("close", () => {
    broken ??= new Error("the engine closed the connection");
    wake?.();
  });
  const more = async (): Promise<void> => {
    if (broken !== undefined) throw broken;
    await new Promise<void>((resolve) => (wake = resolve));
    wake = undefined;
  };
  const take = async (length: number): Promise<Buffer> => {
    while (buffer.length < length) await more();
    const taken = buffer.subarray(0, length);
    buffer = buffer.subarray(length);
    return taken;
  };
  const until = async (mark: string): Promise<string> => {
    for (;;) {
      const at = buffer.indexOf(mark);
      if (at >= 0) return (await take(at + mark.length)).toString("latin1");
      await more();
    }
  };
  return async () => {
    const head = await until("\r\n\r\n");
    const status = Number(head.slice(9, 12));
    const last = /^connection: *close/im.test(head);
    if (status === 204 || status === 304) return { status, body: Buffer.alloc(0), last };
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length !== undefined) return { status, body: await take(Number(length)), last };
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await until("\r\n"), 16);
      const chunk = await take(size + 2);
      if (size === 0) return { status, body: Buffer.concat(chunks), last };
      chunks.push(chunk.subarray(0, size));
    }
  };
}
