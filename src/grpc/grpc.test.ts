import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGrpcClient, type GrpcClient } from "./client.ts";
import { bytes, flag, int32, int64, int64Exact, many, map, one, text, uint32 } from "./fields.ts";
import { encodeGrpcFrame, readGrpcFrames } from "./frame.ts";
import { message, nested } from "./message.ts";
import { createGrpcServer, duplexStream, type GrpcMethods, serverStream, unary } from "./server.ts";
import { decodeStatusMessage, encodeStatusMessage, GrpcError } from "./status.ts";

const inner = message({ name: one(1, text), size: one(2, int64) });
const whole = message({
  title: one(1, text),
  data: one(2, bytes),
  on: one(3, flag),
  code: one(4, int32),
  mode: one(5, uint32),
  time: one(6, int64Exact),
  words: many(7, text),
  numbers: many(8, int32),
  attributes: map(9, text),
  inner: one(10, nested(inner)),
  inners: many(11, nested(inner)),
  named: map(12, nested(inner)),
});

describe("message", () => {
  test("reads what it wrote", () => {
    const value = {
      title: "größe",
      data: new Uint8Array([0, 255]),
      on: true,
      code: -3,
      mode: 0xffffffff,
      time: 1_700_000_000_123_456_789n,
      words: ["a", "", "b"],
      numbers: [1, 2, 300],
      attributes: new Map([
        ["k", "v"],
        ["empty", ""],
      ]),
      inner: { name: "x", size: 5 },
      inners: [{ name: "", size: 0 }],
      named: new Map([["__proto__", { name: "y", size: 1 }]]),
    };
    expect(whole.decode(whole.encode(value))).toEqual(value);
  });

  test("passes over fields it does not know and has zero values for absent ones", () => {
    expect(inner.decode(whole.encode({ title: "t", words: ["w"], on: true })).name).toBe("t");
    expect(inner.decode(new Uint8Array(0))).toEqual({ name: "", size: 0 });
  });

  test("reads packed numbers", () => {
    expect(whole.decode(Uint8Array.from([0x42, 3, 1, 0xac, 0x02])).numbers).toEqual([1, 300]);
  });

  test.each([
    ["a length beyond the end", [0x0a, 0x7f, 0x41]],
    ["an endless number", [0x20, ...Array<number>(12).fill(0xff)]],
    ["a group that never ends", [0x73]],
    ["field number 0", [0x02, 0x00]],
  ])("refuses %s", (_name, octets) => {
    expect(() => whole.decode(Uint8Array.from(octets))).toThrow("malformed");
  });
});

async function* chunksOf(data: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

describe("readGrpcFrames", () => {
  const wire = Buffer.concat([
    encodeGrpcFrame(Buffer.from("one")),
    encodeGrpcFrame(Buffer.alloc(0)),
    encodeGrpcFrame(Buffer.alloc(70_000, 1)),
  ]);

  test.each([1, 3, 7, 16_384, 1_000_000])("finds messages in pieces of %d bytes", async (size) => {
    const lengths: number[] = [];
    for await (const frame of readGrpcFrames(chunksOf(wire, size), 1 << 20)) lengths.push(frame.length);
    expect(lengths).toEqual([3, 0, 70_000]);
  });

  test("refuses what is too long, compressed or cut off", async () => {
    const read = async (data: Uint8Array) => {
      for await (const _ of readGrpcFrames(chunksOf(data, 100_000), 1000));
    };
    expect(read(wire)).rejects.toThrow("larger than max");
    expect(read(Buffer.from([1, 0, 0, 0, 0]))).rejects.toThrow("compressed");
    expect(read(wire.subarray(0, 6))).rejects.toThrow("within a message");
  });
});

test("a status message survives its header", () => {
  const sentence = "50% größer: línea 1\nline 2";
  expect(encodeStatusMessage(sentence)).toMatch(/^[ -~]*$/);
  expect(decodeStatusMessage(encodeStatusMessage(sentence))).toBe(sentence);
  expect(decodeStatusMessage("100% sure")).toBe("100% sure");
});

const note = message({ body: one(1, text), data: one(2, bytes) });

const methods: GrpcMethods = {
  "/test.Echo/Unary": unary(note, note, ({ body }, { metadata }) => ({
    body: `${body} ${(metadata.get("include-patterns") ?? []).join("|")}`,
  })),
  "/test.Echo/Count": serverStream(note, note, async function* ({ body }) {
    for (let index = 0; index < Number(body); index++) yield { body: String(index), data: Buffer.alloc(50_000) };
  }),
  "/test.Echo/Both": duplexStream(note, note, async function* (requests) {
    for await (const { body } of requests) yield { body: body.toUpperCase() };
  }),
  "/test.Echo/Fail": unary(note, note, () => {
    throw new GrpcError("NOT_FOUND", "nichts gefunden: größe");
  }),
  "/test.Echo/Break": unary(note, note, () => {
    throw new Error("inside");
  }),
  "/test.Echo/Hang": serverStream(note, note, async function* (_request, { signal }) {
    yield { body: "started" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    hung.resolve();
  }),
};
const hung = Promise.withResolvers<void>();

/** A client and a server over a socket that spoke HTTP/1.1 before, as hijacked connections do. */
async function withConnection(work: (client: GrpcClient) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "grpc-"));
  const server = createGrpcServer({
    methods,
    statusOf: (error) => new GrpcError("UNKNOWN", error instanceof Error ? error.message : String(error)),
  });
  const listener = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.write("HTTP/1.1 101 UPGRADED\r\n\r\n");
      const end = first.indexOf("\r\n\r\n") + 4;
      server.accept(socket, first.subarray(end));
    });
  });
  await new Promise<void>((resolve) => listener.listen(join(folder, "s"), resolve));
  const socket = net.connect(join(folder, "s"));
  try {
    socket.write("POST /grpc HTTP/1.1\r\n\r\n");
    const head = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    socket.pause();
    const client = createGrpcClient(socket, head.subarray(head.indexOf("\r\n\r\n") + 4));
    await work(client);
    client.close();
  } finally {
    socket.destroy();
    listener.close();
    rmSync(folder, { recursive: true });
  }
}

describe("calls over a connection that was taken over", () => {
  test("one request, one response, headers that occur more than once", async () => {
    await withConnection(async (client) => {
      const metadata = new Map([["include-patterns", ["a", "b"]]]);
      const answer = await client.unary("/test.Echo/Unary", note, note, { body: "hello" }, { metadata });
      expect(answer.body).toBe("hello a|b");
    });
  });

  test("many responses, more than any window holds", async () => {
    await withConnection(async (client) => {
      const stream = client.stream("/test.Echo/Count", note, note);
      await stream.send({ body: "500" });
      stream.finish();
      let count = 0;
      for await (const { body, data } of stream.messages) {
        expect(body).toBe(String(count));
        expect(data.length).toBe(50_000);
        count++;
      }
      expect(count).toBe(500);
    });
  });

  test("messages both ways", async () => {
    await withConnection(async (client) => {
      const stream = client.stream("/test.Echo/Both", note, note);
      const answers: string[] = [];
      await stream.send({ body: "a" });
      for await (const { body } of stream.messages) {
        answers.push(body);
        if (answers.length < 3) await stream.send({ body: "b" });
        else stream.finish();
      }
      expect(answers).toEqual(["A", "B", "B"]);
    });
  });

  test("a status is an error with its name and text", async () => {
    await withConnection(async (client) => {
      const call = (path: string) => client.unary(path, note, note, {}).catch((error: unknown) => error);
      expect(await call("/test.Echo/Fail")).toMatchObject({ status: "NOT_FOUND", message: "nichts gefunden: größe" });
      expect(await call("/test.Echo/Break")).toMatchObject({ status: "UNKNOWN", message: "inside" });
      expect(await call("/test.Echo/Nothing")).toMatchObject({ status: "UNIMPLEMENTED" });
      expect(await call("/constructor")).toMatchObject({ status: "UNIMPLEMENTED" });
    });
  });

  test("who cancels is told to the handler", async () => {
    await withConnection(async (client) => {
      const controller = new AbortController();
      const stream = client.stream("/test.Echo/Hang", note, note, { signal: controller.signal });
      await stream.send({});
      const read = (async () => {
        for await (const _ of stream.messages) controller.abort();
      })();
      expect(read).rejects.toThrow();
      await hung.promise;
    });
  });
});
