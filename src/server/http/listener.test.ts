import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import nodeTls from "node:tls";
import { silentLogger } from "#base";
import { createServer, type ApiServer } from "../server.ts";
import { createFakeBuilder, createFakeBuilds } from "../testing/fake-builder.ts";
import { fakeContainer } from "../testing/fake-container.ts";
import { createFakeEngine } from "../testing/fake-engine.ts";
import { parseListenAddress } from "./listener.ts";

const directory = mkdtempSync(join(tmpdir(), "berth-listener-"));
const open: ApiServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close(0);
  rmSync(directory, { recursive: true, force: true });
});

function newServer(): ApiServer {
  const engine = createFakeEngine();
  engine.views.set("x", fakeContainer());
  const builder = createFakeBuilder();
  const made = createServer({
    engine,
    builder,
    ...createFakeBuilds(builder),
    version: {
      version: "0",
      gitCommit: "",
      buildTime: "",
      toolchain: "",
      arch: "",
      kernelVersion: "",
      experimental: false,
    },
    logger: silentLogger,
  });
  open.push(made);
  return made;
}

function get(options: https.RequestOptions, secure = false): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).get({ path: "/_ping", agent: false, ...options }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    request.on("error", reject);
  });
}

/** Why a promise was rejected; undefined when it was not. */
function reason(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => String(error),
  );
}

describe("parseListenAddress", () => {
  test.each([
    ["unix:///run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ["/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ["tcp://0.0.0.0:2375", { kind: "tcp", host: "0.0.0.0", port: 2375 }],
    ["tcp://:2375", { kind: "tcp", host: "127.0.0.1", port: 2375 }],
    ["tcp://[::1]:1", { kind: "tcp", host: "::1", port: 1 }],
  ])("reads %s", (text, address) => {
    expect(parseListenAddress(text)).toEqual(address as ReturnType<typeof parseListenAddress>);
  });
  test.each(["", "fd://", "tcp://x", "tcp://x:99999", "x.sock"])("refuses %p", (text) => {
    expect(() => parseListenAddress(text)).toThrow("invalid listen address");
  });
});

describe("a unix socket", () => {
  test("is for its owner and group alone, in a directory made for it", async () => {
    const path = join(directory, "a/b/api.sock");
    await newServer().listen({ kind: "unix", path });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await get({ socketPath: path })).toBe(200);
  });

  test("replaces one that nobody answers on, but not a live one", async () => {
    const path = join(directory, "a/api.sock");
    const first = newServer();
    await first.listen({ kind: "unix", path });
    expect(await reason(newServer().listen({ kind: "unix", path }))).toContain("another program already does");
    await first.close(0);
    writeFileSync(path, "");
    await newServer().listen({ kind: "unix", path });
    expect(await get({ socketPath: path })).toBe(200);
  });

  test("wants a group that exists", async () => {
    expect(
      await reason(newServer().listen({ kind: "unix", path: join(directory, "c"), group: "no-such-group-x" })),
    ).toContain("does not exist");
  });
});

describe("a TCP port", () => {
  test("refuses what a web page can send, in both kinds of calls", async () => {
    const { port = 0 } = await newServer().listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const asks = (headers: Record<string, string>) => get({ host: "127.0.0.1", port, headers });
    expect(await asks({})).toBe(200);
    expect(await asks({ Host: `localhost:${port}` })).toBe(200);
    expect(await asks({ Host: `${hostname()}:${port}` })).toBe(200);
    expect(await asks({ Host: `[::1]:${port}` })).toBe(200);
    expect(await asks({ Host: "evil.example" })).toBe(403);
    expect(await asks({ Origin: "http://127.0.0.1" })).toBe(403);
    expect(await asks({ "Sec-Fetch-Site": "cross-site" })).toBe(403);
    const attached = await new Promise<string>((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("end", () => resolve(text));
      socket.write("POST /containers/web/attach HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    });
    expect(attached).toStartWith("HTTP/1.1 403 ");
  });

  test("asks whether silent clients are still there", async () => {
    const { serverPair } = await certificates();
    for (const tls of [undefined, serverPair]) {
      const { port = 0 } = await newServer().listen({ kind: "tcp", host: "127.0.0.1", port: 0, tls });
      const socket =
        tls === undefined
          ? net.connect(port, "127.0.0.1")
          : nodeTls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
      await new Promise((resolve) => socket.once(tls === undefined ? "connect" : "secureConnect", resolve));
      const hasTimer = () =>
        // proc_net_tcp: local address, peer, state 01 (established), queues, timer 02 (keep-alive).
        new RegExp(`:${port.toString(16).toUpperCase().padStart(4, "0")} \\S+ 01 \\S+ 02:`).test(
          readFileSync("/proc/net/tcp", "utf8"),
        );
      while (!hasTimer()) await Bun.sleep(5);
      socket.destroy();
    }
  });

  test("with TLS lets in only clients whose certificate its CA signed", async () => {
    const { ca, serverPair, clientPair, strangerPair } = await certificates();
    const { port = 0 } = await newServer().listen({
      kind: "tcp",
      host: "127.0.0.1",
      port: 0,
      tls: { ...serverPair, clientCa: ca },
    });
    const target = { host: "127.0.0.1", port, ca, servername: "localhost" };
    expect(await get({ ...target, ...clientPair }, true)).toBe(200);
    expect(await get({ ...target, ...clientPair, headers: { Host: "evil.example" } }, true)).toBe(200);
    expect(await reason(get(target, true))).toBeString();
    expect(await reason(get({ ...target, ...strangerPair }, true))).toBeString();
    expect(await reason(get({ host: "127.0.0.1", port }))).toBeString();
  });
});

type Pair = { readonly cert: string; readonly key: string };

/** A CA, a server and a client of it, and a stranger, made with openssl. */
async function certificates(): Promise<{ ca: string; serverPair: Pair; clientPair: Pair; strangerPair: Pair }> {
  const run = async (...args: string[]) => {
    const child = Bun.spawn(["openssl", ...args], { cwd: place, stdout: "ignore", stderr: "ignore" });
    if ((await child.exited) !== 0) throw new Error(`openssl ${args.join(" ")}`);
  };
  const place = mkdtempSync(join(tmpdir(), "berth-tls-"));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const signed = async (name: string) => {
    await run("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", "/CN=localhost");
    await run(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      `${name}.crt`,
      "-days",
      "1",
    );
  };
  await run("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca", "-days", "1");
  await run("req", "-x509", ...key, "-keyout", "stranger.key", "-out", "stranger.crt", "-subj", "/CN=s", "-days", "1");
  await signed("server");
  await signed("client");
  const read = (name: string) => Bun.file(join(place, name)).text();
  const pair = async (name: string): Promise<Pair> => ({
    cert: await read(`${name}.crt`),
    key: await read(`${name}.key`),
  });
  const made = {
    ca: await read("ca.crt"),
    serverPair: await pair("server"),
    clientPair: await pair("client"),
    strangerPair: await pair("stranger"),
  };
  rmSync(place, { recursive: true });
  return made;
}
