import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { EngineError } from "#base";
import { fakeContainer } from "./testing/fake-container.ts";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

let api: TestServer;
beforeAll(async () => {
  api = await startTestServer();
});
afterAll(() => api.close());
beforeEach(() => {
  api.engine.views.clear();
  api.engine.calls.length = 0;
  api.engine.failures.clear();
});

function add(over: Parameters<typeof fakeContainer>[0] = {}) {
  const view = fakeContainer(over);
  api.engine.views.set(view.id, view);
  return view;
}

describe("createServer", () => {
  test("answers HEAD and GET /_ping with the headers clients negotiate by", async () => {
    const head = await api.call("HEAD", "/_ping");
    expect(head.status).toBe(200);
    expect(head.headers["api-version"]).toBe("1.50");
    expect(head.headers["ostype"]).toBe("linux");
    expect(head.headers["content-length"]).toBe("0");
    expect(head.headers["swarm"]).toBe("inactive");
    expect(head.headers["server"]).toBe("Docker/0.1.0 (linux)");
    const get = await api.call("GET", "/v1.30/_ping");
    expect(get.text).toBe("OK");
    expect(get.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(get.headers["docker-experimental"]).toBe("false");
  });

  test.each([
    ["GET", "/nonsense"],
    ["GET", "/"],
    ["GET", "/v1.44"],
    ["PATCH", "/containers/json"],
    ["DELETE", "/exec/x"],
    ["POST", "/info"],
    ["GET", "/vx.1/info"],
    ["POST", "/v1.24/containers/prune"],
  ])("answers %s %s with Docker's 404", async (method, url) => {
    const answer = await api.call(method, url);
    expect(answer.status).toBe(404);
    expect(answer.text).toBe('{"message":"page not found"}\n');
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["api-version"]).toBe("1.50");
  });

  test.each([
    [
      "/v1.23/info",
      "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ],
    ["/v1.51/info", "client version 1.51 is too new. Maximum supported API version is 1.50"],
    ["/v2.0/info", "client version 2.0 is too new. Maximum supported API version is 1.50"],
    [
      "/v0.9/info",
      "client version 0.9 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ],
  ])("refuses %s", async (url, message) => {
    const answer = await api.call("GET", url);
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({ message });
  });

  test("names the field of a wrong body", async () => {
    const answer = await api.call("POST", "/containers/create", {
      Image: "debian:bookworm",
      HostConfig: { Memory: "x" },
    });
    expect(answer.status).toBe(400);
    expect(answer.json).toEqual({ message: 'invalid request body: HostConfig.Memory: expected integer but got "x"' });
  });

  test.each([
    [Buffer.from("{"), "application/json"],
    [Buffer.from("[]"), "application/json"],
    [Buffer.from('"x"'), "application/json"],
    [Buffer.from("{}{}"), "application/json"],
    [Buffer.from("{}"), "text/plain"],
    [Buffer.from(""), "application/json"],
    [Buffer.from("null"), "application/json"],
    [Buffer.from("[".repeat(100_000)), "application/json"],
    [Buffer.from('{"Image":1}'), "application/json"],
    [Buffer.from('{"Cmd":[1]}'), "application/json"],
    [Buffer.from('{"Memory":0,"HostConfig":{"Memory":1.5}}'), "application/json; charset=utf-8"],
  ])("refuses the body %s", async (body, type) => {
    const answer = await api.call("POST", "/containers/create", body, { "Content-Type": type });
    expect(answer.status).toBe(400);
    expect((answer.json as { message: string }).message).toBeString();
  });

  test("takes keys in any case and ignores unknown ones, as Go does", async () => {
    const answer = await api.call("POST", "/containers/create?name=foo", {
      image: "debian:bookworm",
      hostconfig: { memory: 5, Nonsense: [] },
      LABELS: { Kept: "Case" },
    });
    expect(answer.status).toBe(201);
    expect((answer.json as { Warnings: unknown }).Warnings).toEqual([]);
    expect(api.engine.calls[0]?.args[0]).toMatchObject({
      name: "foo",
      body: { Image: "debian:bookworm", HostConfig: { Memory: 5 }, Labels: { Kept: "Case" } },
    });
  });

  test("shows a hint beside Docker's message", async () => {
    const answer = await api.call("POST", "/images/create?fromImage=docker.io/library/alpine&tag=latest");
    expect(answer.status).toBe(404);
    expect((answer.json as { message: string }).message).toContain("repository does not exist");
    expect((answer.json as { hint: string }).hint).toContain("berth login");
  });

  test("gives an unexpected failure as 500 with a message", async () => {
    api.engine.failures.set("kill", new Error("boom") as EngineError);
    add();
    const answer = await api.call("POST", "/containers/web/kill");
    expect(answer.status).toBe(500);
    expect(answer.json).toEqual({ message: "boom" });
  });

  test("gives not-modified as 304 without a body", async () => {
    const view = add();
    const answer = await api.call("POST", `/containers/${view.id}/start`);
    expect(answer.status).toBe(304);
    expect(answer.text).toBe("");
  });

  test.each([
    ["", 204],
    ["null", 204],
    ["{ }", 204],
    ['{"Memory":1}', 400],
  ])("start with the body %p is %d", async (body, status) => {
    add({ state: { running: false, status: "exited" } });
    const answer = await api.call("POST", "/containers/web/start", body === "" ? undefined : Buffer.from(body));
    expect(answer.status).toBe(status);
  });

  test.each([
    ["GET", "/nodes", 503],
    ["GET", "/swarm", 503],
    ["POST", "/swarm/leave", 503],
    ["POST", "/swarm/init", 501],
    ["GET", "/containers/web/checkpoints", 501],
    ["POST", "/containers/web/checkpoints", 501],
    ["DELETE", "/containers/web/checkpoints/one", 501],
    ["GET", "/services/x", 503],
    ["GET", "/plugins", 200],
    ["GET", "/plugins/a/b/json", 404],
    ["GET", "/images/search?term=x", 200],
    ["GET", "/images/search", 400],
    ["GET", "/images/search?term=x&limit=101", 400],
    ["GET", `/images/search?term=x&filters=${encodeURIComponent('{"stars":["many"]}')}`, 400],
    ["OPTIONS", "/anything/at/all", 200],
  ])("%s %s is %d", async (method, url, status) => {
    expect((await api.call(method, url)).status).toBe(status);
  });

  test("wait sends its headers before the result", async () => {
    add();
    const held = Promise.withResolvers<{ exitCode: number }>();
    const before = { ...api.engine.containers };
    Object.assign(api.engine.containers, { wait: async () => ({ result: held.promise }) });
    const head = Promise.withResolvers<void>();
    const socket = api.connect();
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      head.resolve();
    });
    socket.write("POST /v1.50/containers/web/wait?condition=next-exit HTTP/1.1\r\nHost: x\r\n\r\n");
    await head.promise;
    expect(text).toStartWith("HTTP/1.1 200 OK");
    expect(text).not.toContain("StatusCode");
    const more = new Promise<void>((resolve) => socket.on("data", () => resolve()));
    held.resolve({ exitCode: 9 });
    await more;
    expect(text).toContain('{"StatusCode":9}\n');
    socket.destroy();
    Object.assign(api.engine.containers, before);
    expect((await api.call("POST", "/containers/web/wait?condition=nonsense")).status).toBe(400);
  });

  test("aborts the work of a client that left", async () => {
    const aborted = Promise.withResolvers<void>();
    const view = add();
    const before = { ...api.engine.containers };
    const logs: typeof before.logs = async (_id, options) => {
      options.signal?.addEventListener("abort", () => aborted.resolve());
      return before.logs(view.id, options);
    };
    Object.assign(api.engine.containers, { logs });
    const socket = api.connect();
    socket.on("data", () => socket.destroy());
    socket.write("GET /containers/web/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await aborted.promise;
    Object.assign(api.engine.containers, before);
  });
});
