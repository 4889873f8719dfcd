import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError, silentLogger } from "#base";
import type { SupervisorClient } from "../protocol/client.ts";
import { PROTOCOL_VERSION } from "../protocol/messages.ts";
import { connectSupervisor } from "./connect.ts";

type Call = { n: number; call: string; argument: { id: string } };

let folder: string;
let path: string;
let server: Server | undefined;
let client: SupervisorClient | undefined;
const sockets = new Set<Socket>();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-client-"));
  path = join(folder, "s");
});
afterEach(async () => {
  await client?.close();
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A supervisor of a few lines: `answer` gets each call, `stream` what comes on an attach connection. */
async function start(answer: (call: Call, socket: Socket) => unknown = () => null, version = PROTOCOL_VERSION) {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let attached = false;
    socket.on("data", (bytes) => {
      if (attached) {
        socket.write(bytes);
        return;
      }
      for (const line of bytes.toString().trim().split("\n")) {
        const message = JSON.parse(line) as Call & { hello?: unknown; attach?: { id: string } };
        if (message.attach?.id === "none") {
          const error = { kind: "not-found", code: "processNotFound", message: "none" };
          socket.end(`${JSON.stringify({ error })}\n`);
        } else if (message.hello !== undefined || message.attach !== undefined) {
          attached = message.attach !== undefined;
          socket.write(`${JSON.stringify({ ok: { version, pid: 1 } })}\n${attached ? "early " : ""}`);
        } else {
          const ok = answer(message, socket);
          if (ok !== undefined) socket.write(`${JSON.stringify({ n: message.n, ...(ok as object) })}\n`);
        }
      }
    });
    socket.on("end", () => socket.end(attached ? "late" : ""));
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
}
async function stop() {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
  rmSync(path, { force: true });
}
const connect = async (spawn: () => Promise<void> | void = () => {}) => {
  client = await connectSupervisor({ socketPath: path, stateRoot: folder, spawn, logger: silentLogger });
  return client;
};
const attach = { stdin: true, stdout: true, stderr: true, wait: false };

describe("connectSupervisor()", () => {
  test("answers go to their calls, in whatever order they come", async () => {
    const late: (() => void)[] = [];
    await start((call, socket) => {
      if (call.argument.id === "b") return { ok: { id: "b" } };
      late.push(() => socket.write(`${JSON.stringify({ n: call.n, ok: { id: "a" } })}\n`));
      return undefined;
    });
    const connected = await connect();
    const first = connected.forget("a").then(() => "a");
    await connected.forget("b");
    late[0]?.();
    expect(await first).toBe("a");
  });

  test("an error arrives as what it was", async () => {
    await start(() => ({ error: { kind: "conflict", code: "processRunning", message: "it runs", hint: "stop it" } }));
    const error = await (await connect()).forget("a").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ kind: "conflict", code: "processRunning", message: "it runs", hint: "stop it" });
  });

  test("exits reach every listener until it unsubscribes", async () => {
    await start((call, socket) => {
      socket.write(`${JSON.stringify({ exit: { id: call.argument.id, exitCode: 3, exitedAt: "1" } })}\n`);
      return { ok: null };
    });
    const connected = await connect();
    const seen: string[] = [];
    const unsubscribe = connected.onExit(({ id, exitCode }) => seen.push(`${id} ${exitCode}`));
    await connected.signal("a", 9);
    unsubscribe();
    await connected.signal("b", 9);
    expect(seen).toEqual(["a 3"]);
  });

  test("starts one when none answers", async () => {
    let spawned = 0;
    await connect(async () => {
      spawned++;
      await start();
    });
    expect(spawned).toBe(1);
    await client?.forget("a");
  });

  test("a call that its death interrupts is asked again of the next one, and that is told", async () => {
    await start(() => undefined);
    const connected = await connect(() => start(() => ({ ok: null })));
    const back = new Promise<void>((resolve) => connected.onReconnect(resolve));
    const done = connected.forget("a").then(() => "done");
    await stop();
    await back;
    expect(await done).toBe("done");
  });

  test("a start that its death interrupts is what the next one's books say", async () => {
    const startedAt = String((BigInt(Date.now()) + 1000n) * 1_000_000n);
    await start(() => undefined);
    const asked: string[] = [];
    const connected = await connect(() =>
      start((call) => {
        asked.push(call.call);
        if (call.call === "list") return { ok: [{ id: "a", pid: 7, startedAt }] };
        return { ok: { pid: 8, startedAt } };
      }),
    );
    const [known, unknown, exec] = ["a", "b", "c"].map((id) =>
      connected[id === "c" ? "exec" : "run"]({ id } as never).catch((error: unknown) => error),
    );
    await stop();
    expect(await known).toMatchObject({ pid: 7 });
    expect(await unknown).toMatchObject({ pid: 8 });
    expect(await exec).toMatchObject({ kind: "unavailable" });
    expect(asked).toEqual(["list", "run"]);
  });

  test("calls fail as unavailable once the connection is closed", async () => {
    await start();
    const connected = await connect();
    await connected.close();
    expect(await connected.forget("a").catch((reason: unknown) => reason)).toMatchObject({ kind: "unavailable" });
  });

  test("refuses a supervisor of another protocol", async () => {
    await start(() => null, 99);
    expect(await connect().catch((reason: unknown) => reason)).toMatchObject({ code: "supervisorVersion" });
  });

  test("an attached stream gives what came with the reply, and is half-closed by end()", async () => {
    await start();
    const stream = await (await connect()).attach({ id: "a", ...attach });
    stream.end("echo ");
    let text = "";
    for await (const piece of stream) text += String(piece);
    expect(text).toBe("early echo late");
  });

  test("an attached stream flows when it gets a data listener", async () => {
    await start();
    const stream = await (await connect()).attach({ id: "a", ...attach });
    const first = await new Promise((resolve) => stream.once("data", resolve));
    expect(String(first)).toBe("early ");
    stream.destroy();
  });

  test("attach to what is not there rejects", async () => {
    await start();
    const error = await (await connect()).attach({ id: "none", ...attach }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: "not-found" });
  });
});
