import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { routes } from "../routes/table.ts";
import { fakeContainer } from "../testing/fake-container.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let api: TestServer;
beforeAll(async () => {
  api = await startTestServer();
  const view = fakeContainer();
  api.engine.views.set(view.id, view);
});
afterAll(() => api.close());

const segments = [
  "%00",
  "%zz",
  "%ff%fe",
  "..",
  "%2e%2e",
  "%2F",
  "a".repeat(5000),
  "ö",
  "a%0d%0ab",
  "{id}",
  "-",
  "constructor",
];
const queries = [
  "%zz=1",
  "a=%",
  "filters=%5B%5D&limit=1e9&t=x&h=-1&w=&since=x&tail=x",
  "&&&=&=",
  "filters={%22__proto__%22:1}",
  "detachKeys=,",
];
const bodies = [
  "",
  "{",
  "[]",
  "null",
  "1",
  '{"a":',
  '"\\ud800"',
  '{"__proto__":{"x":1},"HostConfig":[]}',
  "\0\0\0",
  "{}\n{}",
  '{"Image":{}}',
];

/** One request as bytes; the answer's status line. */
async function statusOf(bytes: string): Promise<number> {
  const text = await api.raw(bytes, /^HTTP\/1\.1 \d+ [^\r]*\r\n[^]*\r\n\r\n/);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
}

describe("a hostile client", () => {
  test.each(routes.map((route) => [route.method, route.path] as const))(
    "of %s %s sees no internal error",
    async (method, path) => {
      for (const segment of segments) {
        const url = path.replace(/\{\w+(\.\.\.)?\}/g, segment);
        for (const prefix of ["", "/v1.24", "/v1.50"]) {
          const query = queries[(segment.length + prefix.length) % queries.length] ?? "";
          const body = bodies[(segment.length + prefix.length) % bodies.length] ?? "";
          const type = body.length % 2 === 0 ? "application/json" : "text/plain";
          const status = await statusOf(
            `${method} ${prefix}${url}?${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
          );
          // What Docker itself says of things a single machine has not is no internal error either.
          expect([500, 0]).not.toContain(status);
        }
      }
    },
  );

  test.each([
    "\0\0\0\0\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /_ping HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
    "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    `GET /${"a".repeat(80_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(80_000)}\r\n\r\n`,
    "POST /exec/x/start HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    "POST /exec/x/start HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
  ])("%#: gets a 4xx and the server lives", async (bytes) => {
    const status = await statusOf(bytes);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect((await api.call("GET", "/_ping")).text).toBe("OK");
  });

  test("is refused a body without end", async () => {
    const answer = await api.call("POST", "/containers/create", Buffer.alloc(6_000_000, 0x20), {
      "Content-Type": "application/json",
    });
    expect(answer.status).toBe(400);
  });

  test("cannot have a body taken for a request after its own was refused", async () => {
    const body = `${"x".repeat(100_000)}POST /containers/web/attach HTTP/1.1\r\nUpgrade: tcp\r\n\r\n`;
    const rest = body.slice(100_000);
    const socket = api.connect();
    let text = "";
    let seen = Promise.withResolvers<void>();
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      seen.resolve();
    });
    socket.write(
      `PUT /containers/web/archive HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${"x".repeat(1000)}`,
    );
    await Bun.sleep(5);
    socket.write("x".repeat(99_000));
    await seen.promise;
    expect(text).toStartWith("HTTP/1.1 4");
    seen = Promise.withResolvers();
    await Bun.sleep(5);
    socket.write(rest);
    await Bun.sleep(5);
    socket.write("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
    await seen.promise;
    expect(text).toEndWith("\r\n\r\nOK");
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(2);
    socket.destroy();
  });
});
