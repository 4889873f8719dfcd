import { readFileSync } from "node:fs";
import { isIP, connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Where a byte stream goes. */
export type StreamTarget =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly transport: "tls";
      readonly host: string;
      readonly port: number;
      /** Paths of PEM files; "" = the system's authorities, no certificate of our own. */
      readonly ca: string;
      readonly cert: string;
      readonly key: string;
      readonly skipVerify: boolean;
    }
  | { readonly transport: "unix"; readonly path: string };

/** A connected byte stream. */
export type StreamConnection = {
  /** Resolves when the kernel has taken the bytes; rejects when the connection is gone or `timeoutMs` (0 = none) is over. */
  write(bytes: Uint8Array, timeoutMs?: number): Promise<void>;
  /** The next bytes the other side sends; rejects likewise. */
  read(timeoutMs?: number): Promise<Uint8Array>;
  close(): void;
};

const connectTimeoutMs = 10_000;
/** What is on its way when a connection is closed gets this long. */
const closePatienceMs = 1000;
/** A peer that vanished is noticed although nothing is written. */
const keepAliveMs = 30_000;

function openSocket(target: StreamTarget): Socket {
  switch (target.transport) {
    case "tcp":
      return connectPlain({ host: target.host, port: target.port, noDelay: true });
    case "unix":
      return connectPlain({ path: target.path });
    case "tls": {
      const file = (path: string) => (path === "" ? undefined : readFileSync(path));
      return connectTls({
        host: target.host,
        port: target.port,
        ca: file(target.ca),
        cert: file(target.cert),
        key: file(target.key),
        rejectUnauthorized: !target.skipVerify,
        ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
      });
    }
  }
}

function within<Result>(work: Promise<Result>, timeoutMs: number, what: string): Promise<Result> {
  if (timeoutMs <= 0) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: i/o timeout`)), timeoutMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

function targetText(target: StreamTarget): string {
  return target.transport === "unix" ? `unix ${target.path}` : `tcp ${target.host}:${target.port}`;
}

/** Go's words for what a dial met, where users know them. */
function dialError(target: StreamTarget, error: unknown): Error {
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connect: connection refused",
    ENOENT: "connect: no such file or directory",
    ETIMEDOUT: "i/o timeout",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ENOTFOUND: "no such host",
  };
  return new Error(`dial ${targetText(target)}: ${known[code] ?? (message === "" ? code : message)}`);
}

/** Connects; rejects with what went wrong in one sentence. */
export async function openStream(target: StreamTarget): Promise<StreamConnection> {
  const what = `dial ${targetText(target)}`;
  let socket: Socket;
  try {
    socket = openSocket(target);
  } catch (error) {
    throw dialError(target, error);
  }
  let failure: Error | undefined;
  let wake: () => void = () => {};
  let changed = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const received: Uint8Array[] = [];
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  const connected = Promise.withResolvers<void>();
  socket.on("error", (error) => {
    fail(error);
    connected.reject(dialError(target, error));
  });
  socket.on("end", () => fail(new Error(`${targetText(target)}: the other side closed the connection`)));
  socket.on("close", () => fail(new Error(`${targetText(target)}: the connection is closed`)));
  socket.on(target.transport === "tls" ? "secureConnect" : "connect", () => connected.resolve());
  socket.on("data", (bytes: Uint8Array) => {
    received.push(bytes);
    wake();
  });
  socket.setKeepAlive(true, keepAliveMs);
  try {
    await within(connected.promise, connectTimeoutMs, what);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    write: (bytes, timeoutMs = 0) =>
      within(
        new Promise((resolve, reject) => {
          if (failure !== undefined) {
            reject(failure);
            return;
          }
          socket.write(bytes, (error) => {
            const reason = error ?? failure;
            if (reason === undefined) resolve();
            else reject(reason);
          });
        }),
        timeoutMs,
        `write ${targetText(target)}`,
      ),
    read: (timeoutMs = 0) =>
      within(
        (async () => {
          for (;;) {
            const next = received.shift();
            if (next !== undefined) return next;
            if (failure !== undefined) throw failure;
            await changed;
            changed = new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        })(),
        timeoutMs,
        `read ${targetText(target)}`,
      ),
    close: () => {
      socket.end();
      // What the other side does not take is given up.
      setTimeout(() => socket.destroy(), closePatienceMs).unref();
    },
  };
}
