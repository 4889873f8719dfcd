import { randomInt } from "node:crypto";
import type { udp } from "bun";
import { isAnswerTo, type Query, withId } from "./message.ts";
import { openUdpSocket } from "./udp-socket.ts";

/** Runs synchronous work in the network namespace that queries leave from. */
export type Within = <Result>(work: () => Result) => Result;

const idleMs = 30_000;
const dnsPort = 53;

/** A socket that puts queries to name servers, opened with the first and closed when idle. */
export type UpstreamSocket = {
  /** The server's answer under the query's own id. Rejects when the signal aborts. */
  ask(server: string, query: Query, signal: AbortSignal): Promise<Buffer>;
  close(): void;
};

type Pending = { readonly server: string; readonly query: Query; readonly resolve: (answer: Buffer) => void };

/**
 * UDP, with a source port of the kernel's choice that changes whenever the socket was idle, and a random id for each
 * query: an answer must match both, its server and the question, to be believed.
 */
export function createUpstreamSocket(within: Within, family: 4 | 6): UpstreamSocket {
  const pending = new Map<number, Pending>();
  let opened: udp.Socket<"buffer"> | undefined;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;

  const receive = (data: Buffer, port: number, address: string): void => {
    if (data.length < 2 || port !== dnsPort) return;
    const id = data.readUInt16BE(0);
    const waiting = pending.get(id);
    if (waiting === undefined || waiting.server !== address || !isAnswerTo(data, id, waiting.query)) return;
    pending.delete(id);
    waiting.resolve(withId(data, waiting.query.id));
  };

  const close = (): void => {
    clearTimeout(idleTimer);
    opened?.close();
    opened = undefined;
  };

  const open = (): udp.Socket<"buffer"> => {
    clearTimeout(idleTimer);
    idleTimer = setTimeout(() => {
      if (pending.size === 0) close();
      else idleTimer?.refresh();
    }, idleMs);
    idleTimer.unref();
    opened ??= within(() => openUdpSocket(family === 4 ? "0.0.0.0" : "::", receive));
    return opened;
  };

  return {
    ask: async (server, query, signal) => {
      const socket = open();
      let id = randomInt(65_536);
      while (pending.has(id)) id = (id + 1) & 0xffff;
      try {
        return await new Promise<Buffer>((resolve, reject) => {
          pending.set(id, { server, query, resolve });
          signal.addEventListener("abort", () => reject(new Error(`no answer from ${server}`)), { once: true });
          if (signal.aborted) reject(new Error(`no answer from ${server}`));
          socket.send(withId(query.bytes, id), dnsPort, server);
        });
      } finally {
        pending.delete(id);
      }
    },
    close,
  };
}
