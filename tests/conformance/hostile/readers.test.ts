import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test } from "bun:test";
import { eventually } from "../../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "../daemon.ts";
import { backTo, connectTo, firstBytes, holdings, requestBytes, residentMegabytes } from "./raw-client.ts";

const daemon = useDaemon();

/** Connections cut at random moments; `HOSTILE=whole` cuts a thousand on every stream. */
const isWhole = process.env["HOSTILE"] === "whole";
const rounds = isWhole ? 1000 : 12;
const patienceMs = isWhole ? 1_800_000 : 120_000;

const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };
const webSocket = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const endless = { "Content-Length": "100000000", "Content-Type": "application/x-tar", Connection: "keep-alive" };

/** The request of one streaming call on a container; some have to make something first. */
type Stream = readonly [string, (container: string, registryPort: number) => string | Promise<string>];
const streams: readonly Stream[] = [
  ["logs -f", (name) => requestBytes("GET", `/containers/${name}/logs?follow=1&stdout=1&stderr=1`)],
  ["attach", (name) => requestBytes("POST", `/containers/${name}/attach?stream=1&stdout=1&stdin=1`, { headers: upgrade })], // prettier-ignore
  ["attach with the log", (name) => requestBytes("POST", `/containers/${name}/attach?stream=1&logs=1&stdout=1`)],
  ["attach by WebSocket", (name) => requestBytes("GET", `/containers/${name}/attach/ws?stream=1&stdout=1&stdin=1`, { headers: webSocket })], // prettier-ignore
  [
    "exec",
    async (name) => {
      const Cmd = ["sh", "-c", "head -c 3000000 /dev/zero; cat"];
      const body = { Cmd, AttachStdin: true, AttachStdout: true };
      const { Id } = (await daemon.api("POST", `/containers/${name}/exec`, body)).json<{ Id: string }>();
      return requestBytes("POST", `/exec/${Id}/start`, { headers: upgrade, body: "{}" });
    },
  ],
  ["events", () => requestBytes("GET", "/events?since=1")],
  ["stats", (name) => requestBytes("GET", `/containers/${name}/stats`)],
  ["stats without a stream", (name) => requestBytes("GET", `/containers/${name}/stats?stream=0`)],
  ["wait", (name) => requestBytes("POST", `/containers/${name}/wait?condition=next-exit`)],
  ["export", (name) => requestBytes("GET", `/containers/${name}/export`)],
  ["archive", (name) => requestBytes("GET", `/containers/${name}/archive?path=/`)],
  ["save", () => requestBytes("GET", "/images/get?names=busybox")],
  ["archive, half sent", (name) => requestBytes("PUT", `/containers/${name}/archive?path=/tmp`, { headers: endless })],
  ["load, half sent", () => requestBytes("POST", "/images/load", { headers: endless })],
  ["build, half sent", () => requestBytes("POST", "/build?t=never", { headers: endless })],
  ["import, half sent", () => requestBytes("POST", "/images/create?fromSrc=-&repo=never", { headers: endless })],
  ["create, half sent", () => requestBytes("POST", "/containers/create", { headers: { "Content-Length": "5000" } })],
  ["create, chunks that stop", () => requestBytes("POST", "/containers/create", { headers: { "Content-Length": "", "Transfer-Encoding": "chunked" } }).replace("Content-Length: \r\n", "") + "5\r\n{\"Im"], // prettier-ignore
  ["pull of what never answers", (_, port) => requestBytes("POST", `/images/create?fromImage=127.0.0.1:${port}/never&tag=1`)], // prettier-ignore
  ["BuildKit's session", () => requestBytes("POST", "/session", { headers: { ...upgrade, Upgrade: "h2c" } })],
  ["BuildKit's calls", () => requestBytes("POST", "/grpc", { headers: { ...upgrade, Upgrade: "h2c" } })],
  ["half a head", () => "GET /_ping HTTP/1.1\r\nHost: x\r\nX-Slow: "],
  ["no word", () => ""],
];

/** A registry that accepts connections and says nothing; one may come to pull from it. */
async function silentRegistry(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Writes to its output without end, a megabyte a second or so, and keeps little of it. */
async function startTalker(): Promise<string> {
  const name = uniqueName("talker");
  await daemon.ok(
    ...["run", "-d", "-i", "--name", name, "--stop-timeout", "0", "--network", "none"],
    ...["--log-opt", "max-size=200k", "busybox"],
    ...["sh", "-c", "while :; do head -c 50000 /dev/zero | tr '\\0' z | fold -w 500; sleep 0.05; done"],
  );
  return name;
}

// dockerd keeps goroutines and log readers of lost clients for a while, by design.
describe.skipIf(targetIsDockerd)("clients that leave at any moment", () => {
  test(
    "cost nothing lasting, whatever they were doing",
    async () => {
      const registry = await silentRegistry();
      const name = await startTalker();
      await daemon.ok("exec", name, "true");
      const leave = async ([, request]: Stream, delayMs: number) => {
        const bytes = await request(name, registry.port);
        const socket = await connectTo(daemon.engine);
        socket.on("error", () => {});
        if (bytes !== "") socket.write(bytes);
        // Random moments are what is tested; nothing waits for anything here.
        await Bun.sleep(delayMs);
        socket.destroy();
      };
      // Once for everything that is loaded and opened with the first use.
      for (const stream of streams) await leave(stream, 20);
      const before = await settled();
      for (let round = 0; round < rounds; round += 6)
        for (const stream of streams)
          await Promise.all(Array.from({ length: 6 }, () => leave(stream, Math.random() ** 3 * 60)));
      await backTo(before, daemon.engine);
      expect((await daemon.api("GET", "/info")).json<{ NEventsListener: number }>().NEventsListener).toBe(0);
      expect(await daemon.inspect<{ State: { Running: boolean } }>(name)).toMatchObject({ State: { Running: true } });
      await daemon.ok("rm", "-f", name);
      registry.close();
    },
    patienceMs,
  );
});

/** What is held once the first use of everything is over: the least of what was seen for a second. */
async function settled(): Promise<ReadonlyMap<string, number>> {
  let least = holdings(daemon.engine);
  for (let look = 0; look < 10; look++) {
    await Bun.sleep(100);
    const now = holdings(daemon.engine);
    least = new Map([...least].map(([what, count]) => [what, Math.min(count, now.get(what) ?? 0)]));
  }
  return least;
}

/** Clients that took the beginning of an answer and then nothing more. */
async function stalledOn(chosen: readonly Stream[], name: string): Promise<readonly Socket[]> {
  const stalled: Socket[] = [];
  for (const [, request] of chosen)
    for (let copy = 0; copy < 2; copy++) {
      const bytes = await request(name, 1);
      const socket = await connectTo(daemon.engine);
      socket.on("error", () => {});
      const began = firstBytes(socket);
      socket.write(bytes);
      if (!/\/wait|stream=0/.test(bytes)) await began;
      socket.pause();
      stalled.push(socket);
    }
  return stalled;
}

/** What the container says reaches somebody who reads: so many bytes of it. */
async function outputReaches(name: string, bytes: number): Promise<void> {
  const reader = await connectTo(daemon.engine);
  let received = 0;
  reader.on("data", (chunk: Buffer) => (received += chunk.length));
  reader.write(requestBytes("GET", `/containers/${name}/logs?follow=1&stdout=1&tail=0`));
  await eventually("output for another reader", () => received > bytes, 60_000);
  reader.destroy();
}

describe.skipIf(targetIsDockerd)("clients that stop reading", () => {
  test(
    "hold up nobody else and fill no memory",
    async () => {
      const name = await startTalker();
      const before = holdings(daemon.engine);
      const memory = residentMegabytes(daemon.engine);
      const attaches = streams.filter(([what]) => what.startsWith("attach"));
      const others = streams.slice(
        0,
        streams.findIndex(([what]) => what.includes("half")),
      );
      const stalled = await stalledOn(
        others.filter((stream) => !attaches.includes(stream)),
        name,
      );
      await outputReaches(name, 2_000_000);
      // Who is attached and does not read holds the container up, as with Docker, and nothing else.
      const attached = await stalledOn(attaches, name);
      expect(await daemon.ok("run", "--rm", "--network", "none", "busybox", "echo", "alive")).toBe("alive");
      for (const socket of attached) socket.destroy();
      await outputReaches(name, 500_000);
      // Had every stream been kept for its reader, it would be more than this.
      expect(residentMegabytes(daemon.engine) - memory).toBeLessThan(150);
      for (const socket of stalled) socket.destroy();
      await backTo(before, daemon.engine);
      await daemon.ok("rm", "-f", name);
    },
    patienceMs,
  );
});
