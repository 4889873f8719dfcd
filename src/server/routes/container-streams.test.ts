import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { EngineError } from "#base";
import { encodeFrame, STDIO } from "#wire";
import { fakeContainer } from "../testing/fake-container.ts";
import { echoProcess, scriptedProcess } from "../testing/fake-process.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let api: TestServer;
beforeAll(async () => {
  api = await startTestServer();
});
afterAll(() => api.close());
beforeEach(() => {
  api.engine.views.clear();
  api.engine.calls.length = 0;
  api.engine.failures.clear();
  api.engine.nextProcess = () => echoProcess(false);
});

function add(terminal: boolean) {
  const view = fakeContainer({ config: { Tty: terminal, OpenStdin: true, Image: "debian:bookworm" } });
  api.engine.views.set(view.id, view);
  return view;
}

/** A raw client that can wait for text. */
function client(): {
  socket: Socket;
  until: (pattern: RegExp) => Promise<string>;
  ended: Promise<string>;
  text: () => string;
} {
  const socket = api.connect();
  let text = "";
  const watchers = new Set<() => void>();
  const ended = Promise.withResolvers<string>();
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (const watcher of watchers) watcher();
  });
  socket.on("end", () => ended.resolve(text));
  socket.on("error", () => ended.resolve(text));
  return {
    socket,
    ended: ended.promise,
    text: () => text,
    until: (pattern) =>
      new Promise((resolve) => {
        const watch = () => {
          if (!pattern.test(text)) return;
          watchers.delete(watch);
          resolve(text);
        };
        watchers.add(watch);
        watch();
      }),
  };
}

const attach = "/v1.50/containers/web/attach?stream=1&stdin=1&stdout=1&stderr=1";
const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

describe("attach", () => {
  test.each([
    [upgrade, false, "101 UPGRADED", "application/vnd.docker.multiplexed-stream"],
    [upgrade, true, "101 UPGRADED", "application/vnd.docker.raw-stream"],
    ["", false, "200 OK", "application/vnd.docker.raw-stream"],
    ["Content-Type: text/plain\r\nContent-Length: 0\r\n", true, "200 OK", "application/vnd.docker.raw-stream"],
  ])("with headers %p and terminal %p answers %s, %s", async (headers, terminal, status, type) => {
    add(terminal);
    api.engine.nextProcess = () => echoProcess(terminal);
    const { socket, until, ended } = client();
    socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    const head = await until(/\r\n\r\n/);
    expect(head).toStartWith(`HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\n`);
    socket.write("hello");
    await until(/hello$/);
    socket.end("bye");
    expect(await ended).toEndWith("hellobye");
  });

  test("below 1.42 says raw-stream even without a terminal", async () => {
    add(false);
    const { socket, until } = client();
    socket.write(`POST ${attach.replace("1.50", "1.41")} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
    expect(await until(/\r\n\r\n/)).toContain("vnd.docker.raw-stream");
    socket.destroy();
  });

  test("takes stdin that comes with the head, and a head that comes in pieces", async () => {
    add(false);
    const { socket, until, ended } = client();
    const head = `POST ${attach} HTTP/1.1\r\nHost: x\r\n\r\n`;
    socket.write(head.slice(0, 40));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(`${head.slice(40)}early`);
    await until(/early$/);
    socket.end();
    expect(await ended).toEndWith("early");
  });

  test("works on a connection that was kept alive, with and without Upgrade", async () => {
    add(false);
    for (const headers of ["", upgrade]) {
      const { socket, until, ended } = client();
      socket.write("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n");
      await until(/OK$/);
      socket.write(
        "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
      );
      await until(/No such image[^}]*\}\n$/);
      socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
      await until(/(UPGRADED|200 OK)\r\nContent-Type: application\/vnd[^]*\r\n\r\n$/);
      socket.end("typed");
      expect(await ended).toEndWith("\r\n\r\ntyped");
    }
  });

  test("keeps output going after the client has half-closed", async () => {
    add(false);
    const process = scriptedProcess(false);
    api.engine.nextProcess = () => process;
    const { socket, until, ended } = client();
    socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
    await until(/\r\n\r\n/);
    socket.end("last");
    await process.inputEnded;
    expect(Buffer.concat(process.input).toString()).toBe("last");
    process.output.write("after");
    await until(/after$/);
    process.output.end("-end");
    expect(await ended).toEndWith("after-end");
  });

  test("closes the client only after the process's end is on record", async () => {
    add(false);
    const settled = Promise.withResolvers<void>();
    const process = scriptedProcess(false);
    api.engine.nextProcess = () => ({ ...process, settled: settled.promise });
    const { socket, until, ended } = client();
    socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
    process.output.end("done");
    await until(/done$/);
    let over = false;
    void ended.then(() => (over = true));
    await Bun.sleep(5);
    expect(over).toBe(false);
    settled.resolve();
    await ended;
  });

  test("detaches on the keys, swallows them and says so in an event", async () => {
    const view = add(true);
    const process = scriptedProcess(true);
    api.engine.nextProcess = () => process;
    const { socket, until, ended } = client();
    socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
    await until(/\r\n\r\n/);
    socket.write(Buffer.from("a\x10b\x10\x11z"));
    await ended;
    expect(Buffer.concat(process.input).toString("latin1")).toBe("a\x10b");
    expect(process.stream.destroyed).toBe(true);
    const event = api.engine.events.past().at(-1);
    expect(event).toMatchObject({ type: "container", action: "detach", actor: { id: view.id } });
    socket.destroy();
  });

  test("knows no detach keys without a terminal", async () => {
    add(false);
    const { socket, until } = client();
    socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\x10\x11`);
    await until(/\x10\x11$/);
    socket.destroy();
  });

  test.each([
    ["/containers/nosuch/attach?stream=1", 404, "No such container: nosuch"],
    ["/containers/web/attach?stream=1&detachKeys=ctrl-p-p", 400, "Invalid detach keys (ctrl-p-p) provided"],
  ])("refuses %s before anything is taken over", async (url, status, message) => {
    add(true);
    for (const headers of ["", upgrade]) {
      const text = await api.raw(`POST ${url} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
      expect(text).toStartWith(`HTTP/1.1 ${status} `);
      expect(text).toContain("Content-Type: application/json\r\n");
      expect(text).toEndWith(`\r\n\r\n{"message":"${message}"}\n`);
    }
    expect(api.engine.calls).toEqual([]);
  });

  test("passes an engine's refusal on", async () => {
    add(false);
    api.engine.failures.set("attach", new EngineError("conflict", "x", "cannot attach to a paused container"));
    expect(await api.raw(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`)).toStartWith("HTTP/1.1 409 ");
  });

  test("passes 32 MB through unchanged, at the slower side's pace", async () => {
    add(false);
    const { socket, until } = client();
    socket.write(`POST ${attach} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
    await until(/\r\n\r\n/);
    socket.removeAllListeners("data");
    const sent = new Bun.CryptoHasher("sha1");
    const got = new Bun.CryptoHasher("sha1");
    let bytes = 0;
    const done = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        got.update(chunk);
        bytes += chunk.length;
      });
      socket.on("end", () => resolve());
    });
    for (let index = 0; index < 512; index++) {
      const chunk = Buffer.alloc(65_536, index);
      sent.update(chunk);
      if (!socket.write(chunk)) await new Promise<void>((resolve) => socket.once("drain", () => resolve()));
    }
    socket.end();
    await done;
    expect(bytes).toBe(32 * 1024 * 1024);
    expect(got.digest("hex")).toBe(sent.digest("hex"));
  });
});

describe("exec start", () => {
  async function createExec(body: object): Promise<string> {
    add(false);
    const answer = await api.call("POST", "/containers/web/exec", body);
    expect(answer.status).toBe(201);
    return (answer.json as { Id: string }).Id;
  }
  const start = (id: string, headers: string, body = '{"Detach":false,"Tty":false}') =>
    `POST /v1.50/exec/${id}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

  test.each([upgrade, ""])("with headers %p reads its body, then carries the streams", async (headers) => {
    const id = await createExec({ Cmd: ["cat"], AttachStdin: true, AttachStdout: true });
    const { socket, until, ended } = client();
    const request = start(id, headers);
    socket.write(request.slice(0, -5));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(`${request.slice(-5)}in`);
    await until(/\r\n\r\nin$/);
    socket.end("put");
    expect(await ended).toEndWith("\r\n\r\ninput");
    const inspect = await api.call("GET", `/exec/${id}/json`);
    expect(inspect.json).toMatchObject({ ID: id, ExitCode: 7, ProcessConfig: { entrypoint: "cat", arguments: [] } });
  });

  test("reads a chunked body", async () => {
    const id = await createExec({ Cmd: ["cat"], AttachStdin: true });
    const { socket, ended } = client();
    socket.end(
      `POST /exec/${id}/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nraw`,
    );
    expect(await ended).toEndWith("\r\n\r\nraw");
  });

  test("loses nothing that comes while the process is being started", async () => {
    const id = await createExec({ Cmd: ["cat"], AttachStdin: true });
    const held = Promise.withResolvers<void>();
    const before = { ...api.engine.execs };
    const slow: typeof before.start = async (...args) => {
      await held.promise;
      return before.start(...args);
    };
    Object.assign(api.engine.execs, { start: slow });
    const { socket, until, ended } = client();
    socket.write(start(id, upgrade));
    await until(/\r\n\r\n/);
    socket.write("one,");
    await Bun.sleep(5);
    socket.end("two");
    await Bun.sleep(5);
    held.resolve();
    expect(await ended).toEndWith("\r\n\r\none,two");
    Object.assign(api.engine.execs, before);
  });

  test("without AttachStdin drops what the client sends and survives its half-close", async () => {
    const id = await createExec({ Cmd: ["ls"], AttachStdout: true });
    const process = scriptedProcess(false);
    api.engine.nextProcess = () => process;
    const { socket, ended } = client();
    socket.end(`${start(id, upgrade)}ignored`);
    process.output.end(encodeFrame(STDIO.STDOUT, Buffer.from("listing")));
    expect(await ended).toEndWith("listing");
    expect(process.input).toEqual([]);
  });

  test("detached answers 200 with nothing", async () => {
    const id = await createExec({ Cmd: ["ls"] });
    const text = await api.raw(start(id, "", '{"Detach":true}'));
    expect(text).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(text).toContain("Content-Length: 0\r\n");
  });

  test("tells a failed launch on the output", async () => {
    const id = await createExec({ Cmd: ["nosuch"] });
    api.engine.failures.set("exec start", new EngineError("invalid", "x", "executable file not found in $PATH"));
    const text = await api.raw(start(id, upgrade));
    expect(text).toStartWith("HTTP/1.1 101 UPGRADED\r\n");
    expect(text).toEndWith("\u0001\0\0\0\0\0\0$executable file not found in $PATH\r\n");
  });

  test.each([
    ["/exec/nosuch/start", "{}", 404],
    ["/exec/nosuch/start", "{", 400],
    ["/exec/nosuch/start", '{"Detach":1}', 400],
  ])("refuses %s with %s", async (url, body, status) => {
    const text = await api.raw(
      `POST ${url} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(text).toStartWith(`HTTP/1.1 ${status} `);
  });

  test("passes the console's size as height and width", async () => {
    const id = await createExec({ Cmd: ["sh"], Tty: true });
    await api.raw(start(id, upgrade, '{"Tty":true,"ConsoleSize":[33,101]}'), /\r\n\r\n/);
    expect(api.engine.calls.at(-1)?.args[1]).toEqual({
      detach: false,
      terminal: true,
      consoleSize: { height: 33, width: 101 },
    });
    expect((await api.call("POST", `/exec/${id}/resize?h=3&w=x`)).status).toBe(400);
    expect((await api.call("POST", `/exec/${id}/resize?h=3&w=4`)).status).toBe(200);
  });
});

describe("logs", () => {
  test("frames lines, stamps times with nine digits and shows details", async () => {
    add(false);
    api.engine.logRecords = [
      {
        time: 1_700_000_000_120_000_000n,
        stream: "stdout",
        line: Buffer.from("one\n"),
        attributes: { b: "2 3", a: "1" },
      },
      { time: 1_700_000_001_000_000_000n, stream: "stderr", line: Buffer.from("two") },
    ];
    const answer = await api.call("GET", "/containers/web/logs?stdout=1&stderr=1&timestamps=1&details=1");
    expect(answer.headers["content-type"]).toBe("application/vnd.docker.multiplexed-stream");
    expect(answer.text).toBe(
      "\u0001\0\0\0\0\0\0-2023-11-14T22:13:20.120000000Z a=1,b=2+3 one\n" +
        "\u0002\0\0\0\0\0\0#2023-11-14T22:13:21.000000000Z  two",
    );
  });

  test("is raw with a terminal", async () => {
    add(true);
    api.engine.logRecords = [{ time: 0n, stream: "stdout", line: Buffer.from("raw\r\n") }];
    expect((await api.call("GET", "/containers/web/logs?stdout=1")).text).toBe("raw\r\n");
  });

  test.each([
    ["tail=all", undefined],
    ["tail=", undefined],
    ["tail=-1", undefined],
    ["tail=0", 0],
    ["tail=7", 7],
  ])("reads %s as %p", async (query, tail) => {
    add(false);
    await api.call("GET", `/containers/web/logs?stdout=1&${query}&since=1.5`);
    expect(api.engine.calls[0]?.args[1]).toMatchObject({ tail, since: 1_500_000_000n, until: undefined });
  });

  test.each(["", "stdout=0", "stdout=1&since=yesterday", "stdout=1&until=x"])("refuses %p", async (query) => {
    add(false);
    expect((await api.call("GET", `/containers/web/logs?${query}`)).status).toBe(400);
  });
});

describe("stats", () => {
  test("takes two samples for one record", async () => {
    add(false);
    const { json } = await api.call("GET", "/containers/web/stats?stream=0");
    expect(json).toMatchObject({
      name: "/web",
      cpu_stats: { cpu_usage: { total_usage: 1000, percpu_usage: [500, 500] }, online_cpus: 2 },
      precpu_stats: { cpu_usage: { total_usage: 1000 } },
      memory_stats: { usage: 4096, max_usage: 8192, limit: 1_048_576 },
      networks: { eth0: { rx_bytes: 1, tx_bytes: 3 } },
    });
  });

  test("one-shot has no sample before", async () => {
    add(false);
    const { json } = await api.call("GET", "/containers/web/stats?stream=0&one-shot=1");
    expect((json as { precpu_stats: unknown }).precpu_stats).toEqual({
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    });
    expect((await api.call("GET", "/containers/web/stats?stream=1&one-shot=1")).status).toBe(400);
  });

  test("streams until the client leaves", async () => {
    add(false);
    const text = await api.raw("GET /containers/web/stats HTTP/1.1\r\nHost: x\r\n\r\n", /(\{"id"[^]*){3}/);
    expect(text).toContain('"preread":"0001-01-01T00:00:00Z"');
  });

  test("ends when the container is removed", async () => {
    const view = add(false);
    const { socket, until } = client();
    socket.write("GET /containers/web/stats HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(/"id"/);
    api.engine.views.delete(view.id);
    await until(/\r\n0\r\n\r\n$/);
    socket.destroy();
  });

  test("of a stopped container is its name and zeros", async () => {
    const view = fakeContainer({ state: { running: false, status: "exited" } });
    api.engine.views.set(view.id, view);
    const { status, json } = await api.call("GET", "/containers/web/stats?stream=0");
    expect(status).toBe(200);
    expect(json).toMatchObject({ id: view.id, name: "/web", memory_stats: {}, pids_stats: {} });
  });
});
