import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import net, { type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import tls from "node:tls";
import { errorMessage } from "#base";
import { serverErrors } from "../errors.ts";

/** Certificates of a TCP listener, as PEM text. */
export type TlsFiles = {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** With it, only clients whose certificate it signed are let in. */
  readonly clientCa?: string | Buffer | undefined;
};

/** Where to listen. */
export type ListenAddress =
  | {
      readonly kind: "unix";
      readonly path: string;
      /** Name or number of the group that may use the socket. */
      readonly group?: string | undefined;
      /** @default 0o660 */
      readonly mode?: number | undefined;
    }
  | {
      readonly kind: "tcp";
      readonly host: string;
      /** 0 = any free one. */
      readonly port: number;
      readonly tls?: TlsFiles | undefined;
    };

/** An open listener; `port` is the one in use on TCP. */
export type Listener = { readonly port: number | undefined; close(): Promise<void> };

/** Reads `unix:///run/x.sock`, `/run/x.sock` or `tcp://host:port` (`--host`). */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix://")) return { kind: "unix", path: text.slice("unix://".length) };
  if (text.startsWith("/")) return { kind: "unix", path: text };
  const match = /^tcp:\/\/(?:\[([0-9a-f:.]+)\]|([^:/[\]]*)):(\d{1,5})\/?$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw serverErrors["invalid-listen-address"](text);
  return { kind: "tcp", host: match[1] ?? (match[2] === "" || match[2] === undefined ? "127.0.0.1" : match[2]), port };
}

/** After so much silence the kernel begins to ask whether the peer is still there; as Go does. */
const KEEP_ALIVE_MS = 15_000;

/** Opens a listener; each connection goes to `accept`. */
export async function openListener(address: ListenAddress, accept: (socket: Socket) => void): Promise<Listener> {
  if (address.kind === "unix") return openUnix(address, accept);
  // A machine that loses its power, or its way here, never says that it has gone; the kernel asks (tcp(7), SO_KEEPALIVE).
  const watched = (socket: Socket) => {
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    accept(socket);
  };
  const server =
    address.tls === undefined
      ? net.createServer({ allowHalfOpen: true }, watched)
      : tls.createServer(
          {
            cert: address.tls.cert,
            key: address.tls.key,
            minVersion: "TLSv1.2",
            ...(address.tls.clientCa === undefined
              ? {}
              : { ca: address.tls.clientCa, requestCert: true, rejectUnauthorized: true }),
          },
          watched,
        );
  await listening(server, () => server.listen(address.port, address.host), `${address.host}:${address.port}`);
  const bound = server.address();
  return { port: typeof bound === "object" && bound !== null ? bound.port : undefined, close: () => closing(server) };
}

async function openUnix(
  { path, group, mode = 0o660 }: Extract<ListenAddress, { kind: "unix" }>,
  accept: (socket: Socket) => void,
): Promise<Listener> {
  const gid = group === undefined ? undefined : groupId(group);
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  if (existsSync(path)) {
    if (await answers(path)) throw serverErrors["address-in-use"](path);
    // What a killed daemon left behind.
    rmSync(path);
  }
  const server = net.createServer({ allowHalfOpen: true }, accept);
  // bind(2) makes the file with the umask; nobody may connect between bind and chmod.
  const before = process.umask(0o177);
  try {
    const open = listening(server, () => server.listen(path), path);
    process.umask(before);
    await open;
  } finally {
    process.umask(before);
  }
  if (gid !== undefined) chownSync(path, 0, gid);
  chmodSync(path, mode);
  return {
    port: undefined,
    close: async () => {
      await closing(server);
      rmSync(path, { force: true });
    },
  };
}

function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${group}:`));
  if (line === undefined) throw serverErrors["no-such-group"](group);
  return Number(line.split(":")[2]);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

function listening(server: Server, listen: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error & { code?: string }) =>
      reject(
        error.code === "EADDRINUSE"
          ? serverErrors["address-in-use"](where)
          : serverErrors["cannot-listen"](where, errorMessage(error)),
      );
    server.once("error", failed);
    server.once("listening", () => {
      server.off("error", failed);
      // Running out of descriptors must not end the daemon; the client sees its connection refused.
      server.on("error", () => {});
      resolve();
    });
    listen();
  });
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
