import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { fakeContainer } from "../testing/fake-container.ts";
import { echoProcess } from "../testing/fake-process.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let api: TestServer;
beforeAll(async () => {
  api = await startTestServer();
});
afterAll(() => api.close());
beforeEach(() => {
  api.engine.views.clear();
  api.engine.nextProcess = () => echoProcess(false);
  const view = fakeContainer({ name: "web" });
  api.engine.views.set(view.id, view);
});

const handshake = (path: string, extra = "Upgrade: websocket\r\nConnection: Upgrade\r\n") =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${extra}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

/** A client's frame: masked with zeros, so that the payload is readable. */
function frame(opcode: number, payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
}

/** What the server sends after the handshake until it has closed, or `enough` bytes are there. */
function talk(path: string, sent: Buffer, enough = Infinity): Promise<{ head: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = api.connect();
    let received = Buffer.alloc(0);
    const split = () => {
      const end = received.indexOf("\r\n\r\n");
      return { head: received.subarray(0, Math.max(0, end)).toString(), body: received.subarray(end + 4) };
    };
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      const before = received.includes("\r\n\r\n");
      received = Buffer.concat([received, chunk]);
      if (!before && received.includes("\r\n\r\n")) socket.write(sent);
      if (split().body.length >= enough) {
        resolve(split());
        socket.destroy();
      }
    });
    socket.on("end", () => {
      resolve(split());
      socket.destroy();
    });
    socket.write(handshake(path));
  });
}

test("subtle 39: attach/ws carries a process's streams without frames, in binary messages from 1.28 on", async () => {
  const echo = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 5]), Buffer.from("hello")]);
  // The fake sends back what it gets; between the frames it is given there are none of its own.
  const framed = await talk(
    "/containers/web/attach/ws?stream=1&stdin=1&stdout=1",
    frame(2, echo.toString("latin1")),
    7,
  );
  expect(framed.body).toEqual(Buffer.concat([Buffer.from([0x82, 5]), Buffer.from("hello")]));
  api.engine.nextProcess = () => echoProcess(true);
  const binary = await talk("/containers/web/attach/ws?stream=1&stdin=1&stdout=1", frame(2, "hello"), 7);
  expect(binary.head).toStartWith("HTTP/1.1 101 ");
  expect(binary.head).toContain("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  expect(binary.body).toEqual(Buffer.concat([Buffer.from([0x82, 5]), Buffer.from("hello")]));
  const text = await talk("/v1.27/containers/web/attach/ws?stream=1", frame(1, "hello"), 7);
  expect(text.body).toEqual(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from("hello")]));
});

test("attach/ws takes all streams below 1.42, and those that were asked for since", async () => {
  const options = async (path: string) => {
    api.engine.calls.length = 0;
    await talk(path, frame(8, ""));
    return api.engine.calls.find(({ name }) => name === "attach")?.args[1];
  };
  expect(await options("/v1.41/containers/web/attach/ws?stream=1")).toMatchObject({
    stdin: true,
    stdout: true,
    stderr: true,
  });
  expect(await options("/v1.42/containers/web/attach/ws?stream=1&stderr=1")).toMatchObject({
    stdin: false,
    stdout: false,
    stderr: true,
  });
});

test.each([
  ["no such container", handshake("/containers/nobody/attach/ws"), 404],
  ["bad detach keys", handshake("/containers/web/attach/ws?detachKeys=ctrl-"), 400],
  ["no upgrade", handshake("/containers/web/attach/ws", ""), 400],
  ["no key", "GET /containers/web/attach/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", 400],
])("attach/ws answers an error as any call does: %s", async (_name, request, status) => {
  const answer = await api.raw(request);
  expect(answer).toStartWith(`HTTP/1.1 ${status} `);
  expect(answer).toContain("application/json");
});
