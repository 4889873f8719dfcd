import { connect, type Socket } from "node:net";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../engines/command.ts";
import type { EngineProcess } from "../../engines/engine.ts";
import { processesNaming, statusField } from "../../engines/process.ts";

/** A connection to the daemon itself, whatever stands in front of it for other tests. */
export function connectTo(engine: EngineProcess): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: join(engine.directory, "api.sock"), allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** A request as bytes, so that no client corrects it. */
export function requestBytes(
  method: string,
  target: string,
  options: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): string {
  const { body = "", headers = {} } = options;
  const lines = Object.entries({
    Host: "x",
    Connection: "close",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, content]) => `${name}: ${content}`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** Sends bytes and leaves as soon as there is a status; 0 when the connection was closed without one. */
export async function statusOf(engine: EngineProcess, bytes: string, timeoutMs = 30_000): Promise<number> {
  const socket = await connectTo(engine);
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = () => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0));
    };
    socket.setTimeout(timeoutMs, () => {
      socket.destroy();
      reject(new Error(`no answer to ${bytes.slice(0, 300)}`));
    });
    socket.on("error", finish);
    socket.on("end", finish);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (/^HTTP\/1\.1 \d{3} /.test(text)) finish();
    });
    socket.write(bytes);
  });
}

/** Resolves with the first bytes that come, or when the connection ends without any. */
export function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    socket.once("data", resolve);
    socket.once("close", () => resolve(Buffer.alloc(0)));
    socket.once("end", () => resolve(Buffer.alloc(0)));
  });
}

/** What the daemon and its helpers hold: descriptors by what they are, and processes. */
export function holdings(engine: EngineProcess): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  const add = (what: string) => held.set(what, (held.get(what) ?? 0) + 1);
  for (const { pid, command } of processesNaming(engine.directory)) {
    const role = pid === engine.pid() ? "daemon" : command.replaceAll(/[0-9a-f]{64}/g, "ID").slice(0, 80);
    add(`process ${role}`);
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        add(`${role}: ${target.replace(/:\[\d+\]$/, "").replaceAll(/[0-9a-f]{64}/g, "ID")}`);
      }
    } catch {
      // The process, or the descriptor, went while we looked.
    }
  }
  return held;
}

/** The runtime begins threads of its own (workers, HTTP client) when it first needs them, whenever that is, and keeps them: two at most. */
const keptForGood = /anon_inode:(?:inotify|\[eventpoll\]|\[eventfd\])$/;

/** Waits until nothing is held that was not before; fails with what is too much. */
export async function backTo(before: ReadonlyMap<string, number>, engine: EngineProcess): Promise<void> {
  let surplus: string[] = [];
  try {
    await eventually(
      "descriptors and processes",
      () => {
        surplus = [...holdings(engine)].flatMap(([what, count]) =>
          count > (before.get(what) ?? 0) + (keptForGood.test(what) ? 2 : 0)
            ? [`${what}: ${count} instead of ${before.get(what) ?? 0}`]
            : [],
        );
        return surplus.length === 0;
      },
      20_000,
    );
  } catch {
    throw new Error(`held after all clients have gone:\n${surplus.join("\n")}`);
  }
}

/** Memory of the daemon now, in megabytes. */
export function residentMegabytes(engine: EngineProcess): number {
  return Math.round(Number.parseInt(statusField(engine.pid(), "VmRSS") ?? "0") / 1024);
}
