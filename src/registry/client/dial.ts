import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import { type Connection, ResponseReader, socketConnection } from "#wire";
import { errors } from "../errors.ts";
import { certificatesFor } from "./certificates.ts";
import { proxyFor } from "./proxy.ts";

/** How long a host may take to accept a connection, TLS included. */
const CONNECT_MS = 20_000;

/** An address as `connect` takes it: without the brackets of IPv6. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function portOf(url: URL): number {
  return url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
}

/** Resolves when the socket says `event`; destroys it when that fails, takes too long or is cancelled. */
async function ready(socket: Socket, event: "connect" | "secureConnect", signal: AbortSignal | undefined) {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error("i/o timeout")), CONNECT_MS);
    const onAbort = () => settle(signal?.reason as Error);
    const onError = (error: Error) => settle(error);
    const onClose = () => settle(new Error("connection closed"));
    const onReady = () => settle();
    const settle = (error?: Error) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.off(event, onReady).off("error", onError).off("close", onClose);
      if (error === undefined) resolve();
      else {
        socket.on("error", () => {});
        socket.destroy();
        reject(error);
      }
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once(event, onReady).once("error", onError).once("close", onClose);
  });
}

function secured(url: URL, verify: boolean, directories: readonly string[], over: Socket | undefined): Socket {
  const { ca, cert, key } = certificatesFor(url.host, directories);
  const host = bare(url.hostname);
  return connectSecure({
    ...(over === undefined ? { host, port: portOf(url) } : { socket: over }),
    rejectUnauthorized: verify,
    ALPNProtocols: ["http/1.1"],
    // Without checking nobody's signature counts, and reading them takes time.
    ...(verify && { ca: [...ca] }),
    ...(cert.length > 0 && { cert: [...cert], key: [...key] }),
    // An IP address is no server name (RFC 6066, section 3).
    servername: /^[\d.]+$|:/.test(host) ? "" : host,
  });
}

/** Asks a proxy for a tunnel (RFC 9110, 9.3.6). */
async function tunnel(socket: Socket, target: URL, proxy: URL): Promise<void> {
  const connection = socketConnection(socket);
  const authority = `${target.hostname}:${portOf(target)}`;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...proxyHeaders(proxy)];
  await connection.write(`${lines.join("\r\n")}\r\n\r\n`);
  const reader = new ResponseReader(connection, {
    malformed: (what) => errors.registryProxyFailed(proxy.host, what),
    lost: () => errors.registryProxyFailed(proxy.host, "it closed the connection"),
  });
  const head = await reader.readHead();
  if (head.status !== 200) throw errors.registryProxyFailed(proxy.host, `it answers ${head.status}`);
  socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("error").removeAllListeners("close");
}

/** What a proxy wants to see of its user, when its URL names one. */
export function proxyHeaders(proxy: URL): readonly string[] {
  if (proxy.username === "") return [];
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return [`Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}`];
}

/** A connection, and whether requests on it name the whole URL (plain HTTP through a proxy). */
export type Dialed = { readonly connection: Connection; readonly proxy: URL | undefined };

/** Connects to a URL's host, through the environment's proxy where there is one. */
export async function dial(
  url: URL,
  options: {
    readonly verify: boolean;
    readonly certificateDirectories: readonly string[];
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Dialed> {
  const { verify, certificateDirectories, signal } = options;
  signal?.throwIfAborted();
  const proxy = proxyFor(url, process.env);
  const isSecure = url.protocol === "https:";
  if (proxy === undefined) {
    const socket = isSecure
      ? secured(url, verify, certificateDirectories, undefined)
      : connectPlain({ host: bare(url.hostname), port: portOf(url) });
    await ready(socket, isSecure ? "secureConnect" : "connect", signal);
    socket.setNoDelay(true);
    return { connection: socketConnection(socket), proxy: undefined };
  }
  let socket =
    proxy.protocol === "https:"
      ? secured(proxy, true, certificateDirectories, undefined)
      : connectPlain({ host: bare(proxy.hostname), port: portOf(proxy) });
  await ready(socket, proxy.protocol === "https:" ? "secureConnect" : "connect", signal).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw errors.registryProxyFailed(proxy.host, error instanceof Error ? error.message : String(error));
  });
  if (!isSecure) return { connection: socketConnection(socket), proxy };
  await tunnel(socket, url, proxy);
  socket = secured(url, verify, certificateDirectories, socket);
  await ready(socket, "secureConnect", signal);
  return { connection: socketConnection(socket), proxy: undefined };
}
