import { afterEach, describe, expect, test } from "bun:test";
import { createClient } from "./client.ts";
import { isDaemonError } from "./errors.ts";
import { type Connection, createIncoming } from "#wire";

/** A daemon of canned answers: each request's head is recorded and answered by `answer`. */
function fakeDaemon(answer: (request: string, send: (text: string) => void) => void) {
  const requests: string[] = [];
  const connections: { isOpen: boolean }[] = [];
  const client = createClient({
    host: "unix:///fake.sock",
    dial: () => {
      const incoming = createIncoming(
        () => {},
        () => {},
      );
      let text = "";
      const state = { isOpen: true };
      connections.push(state);
      const connection: Connection = {
        write(data) {
          text += typeof data === "string" ? data : Buffer.from(data).toString("latin1");
          const end = text.indexOf("\r\n\r\n");
          const isChunked = /^Transfer-Encoding: chunked/m.test(text.slice(0, end));
          if (end >= 0 && (!isChunked || text.endsWith("0\r\n\r\n"))) {
            const request = text;
            text = "";
            requests.push(request);
            answer(request, (reply) => incoming.push(Buffer.from(reply)));
          }
          return Promise.resolve();
        },
        end() {},
        read: () => incoming.read(),
        destroy(reason) {
          state.isOpen = false;
          incoming.finish(reason);
        },
        get isOpen() {
          return state.isOpen;
        },
      };
      return Promise.resolve(connection);
    },
  });
  return { client, requests, connections };
}

const ok = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
const lineOf = (request = "") => request.split("\r\n")[0];

let daemon: ReturnType<typeof fakeDaemon>;
afterEach(() => daemon.client.close());

describe("createClient", () => {
  test("asks for the newest version at once and keeps the connection", async () => {
    daemon = fakeDaemon((_, send) => send(ok("[]")));
    await daemon.client.containers.list({ all: true, filters: { label: ["b"], status: ["exited", "dead"] } });
    await daemon.client.containers.list();
    const filters = encodeURIComponent('{"label":{"b":true},"status":{"exited":true,"dead":true}}');
    expect(daemon.requests.map(lineOf)).toEqual([
      `GET /v1.50/containers/json?all=1&filters=${filters} HTTP/1.1`,
      "GET /v1.50/containers/json HTTP/1.1",
    ]);
    expect(daemon.connections.length).toBe(1);
  });

  test("follows an older daemon down", async () => {
    const tooNew = '{"message":"client version 1.50 is too new. Maximum supported API version is 1.41"}';
    daemon = fakeDaemon((request, send) =>
      send(
        request.includes("/v1.50/")
          ? `HTTP/1.1 400 Bad Request\r\nContent-Length: ${tooNew.length}\r\n\r\n${tooNew}`
          : ok("[]"),
      ),
    );
    await daemon.client.containers.list();
    expect(await daemon.client.transport.apiVersion()).toBe("1.41");
    expect(daemon.requests.map(lineOf).at(-1)).toBe("GET /v1.41/containers/json HTTP/1.1");
  });

  test("turns an answer into an error with its kind and hint", async () => {
    const body = '{"message":"No such container: x","hint":"Look again"}';
    daemon = fakeDaemon((_, send) => send(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
    const error = await daemon.client.containers.inspect("x").catch((failure: unknown) => failure);
    expect(error).toMatchObject({ kind: "not-found", message: "No such container: x", hint: "Look again" });
    expect(isDaemonError(error)).toBe(true);
  });

  test("treats 304 of start and stop as an answer", async () => {
    daemon = fakeDaemon((_, send) => send("HTTP/1.1 304 Not Modified\r\n\r\n"));
    expect(await daemon.client.containers.start("x")).toBe(false);
    expect(await daemon.client.containers.stop("x", { timeoutSeconds: 0 })).toBe(false);
    expect(lineOf(daemon.requests[1])).toBe("POST /v1.50/containers/x/stop?t=0 HTTP/1.1");
  });

  test("reads a chunked stream of records cut anywhere", async () => {
    daemon = fakeDaemon((request, send) => {
      if (request.startsWith("HEAD")) return send("HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Length: 0\r\n\r\n");
      send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"stream"\r\n');
      send('b;x=1\r\n:"a"}\r\n{"st\r\n');
      send('c\r\nream":"b"}\r\n\r\n0\r\nTrailer: x\r\n\r\n');
    });
    const records: unknown[] = [];
    async function* tar() {
      yield Buffer.from("abc");
    }
    for await (const record of daemon.client.images.load(tar())) records.push(record);
    expect(records).toEqual([{ stream: "a" }, { stream: "b" }]);
    expect(daemon.requests.map(lineOf)).toEqual(["HEAD /_ping HTTP/1.1", "POST /v1.45/images/load?quiet=0 HTTP/1.1"]);
    expect(daemon.requests[1]).toEndWith("3\r\nabc\r\n0\r\n\r\n");
  });

  test("hijacks a connection and gives what came behind the head", async () => {
    daemon = fakeDaemon((_, send) =>
      send("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\nearly"),
    );
    const stream = await daemon.client.containers.attach("x", { stdout: true });
    expect(Buffer.from((await stream.read()) ?? []).toString()).toBe("early");
    expect(daemon.requests[0]).toContain("Upgrade: tcp");
    stream.destroy();
  });

  test("gives up at once when its signal aborts", async () => {
    daemon = fakeDaemon(() => {});
    const controller = new AbortController();
    const pending = daemon.client.system.info({ signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 1);
    expect(await pending.catch((error: unknown) => error)).toMatchObject({ message: "enough" });
    expect(daemon.connections[0]?.isOpen).toBe(false);
  });

  test("does not believe what is no HTTP", async () => {
    daemon = fakeDaemon((_, send) => send("SSH-2.0-OpenSSH\r\n\r\n"));
    const error = await daemon.client.system.info().catch((failure: unknown) => failure);
    expect(String(error)).toContain("is no status line");
  });

  test("keeps the slashes of image names in paths and encodes everything else", async () => {
    daemon = fakeDaemon((_, send) => send(ok("{}")));
    await daemon.client.images.inspect("a.example:5000/x/y:1 ?#");
    expect(lineOf(daemon.requests[0])).toBe("GET /v1.50/images/a.example:5000/x/y:1%20%3F%23/json HTTP/1.1");
    await daemon.client.containers.inspect("a/../b");
    expect(lineOf(daemon.requests[1])).toBe("GET /v1.50/containers/a%2F..%2Fb/json HTTP/1.1");
  });
});
