import type { Socket } from "node:net";
import type { Connection, Dialer, Endpoint } from "./connection.ts";
import { createIncoming } from "./incoming.ts";

/** A connected socket of `node:net` or `node:tls`, read at the reader's pace. */
export function socketConnection(socket: Socket): Connection {
  const incoming = createIncoming(
    () => socket.pause(),
    () => socket.resume(),
  );
  let isOpen = true;
  socket.on("data", (chunk: Uint8Array) => incoming.push(chunk));
  socket.on("end", () => {
    isOpen = false;
    incoming.finish();
  });
  socket.on("error", (error) => incoming.finish(error));
  socket.on("close", () => {
    isOpen = false;
    incoming.finish();
  });
  return {
    write(data) {
      if (socket.write(data)) return Promise.resolve();
      return new Promise((resolve) => {
        const settle = () => {
          socket.off("drain", settle);
          socket.off("close", settle);
          resolve();
        };
        socket.on("drain", settle);
        socket.on("close", settle);
      });
    },
    end: () => void socket.end(),
    read: () => incoming.read(),
    destroy(reason) {
      isOpen = false;
      incoming.finish(reason);
      socket.destroy();
    },
    get isOpen() {
      return isOpen;
    },
  };
}

async function openSocket(endpoint: Endpoint): Promise<{ socket: Socket; ready: string }> {
  if (endpoint.kind === "unix") {
    const { connect } = await import("node:net");
    return { socket: connect({ path: endpoint.path, allowHalfOpen: true }), ready: "connect" };
  }
  if (endpoint.tls === undefined) {
    const { connect } = await import("node:net");
    return { socket: connect({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true }), ready: "connect" };
  }
  const { connect } = await import("node:tls");
  const halfOpen: { allowHalfOpen?: boolean } = { allowHalfOpen: true };
  const { ca, cert, key, verifyServer = true } = endpoint.tls;
  const socket = connect({
    host: endpoint.host,
    port: endpoint.port,
    ...halfOpen,
    rejectUnauthorized: verifyServer,
    ALPNProtocols: ["http/1.1"],
    ca,
    cert,
    key,
    // An IP address is no server name (RFC 6066, section 3).
    servername: /^[\d.]+$|:/.test(endpoint.host) ? "" : endpoint.host,
  });
  return { socket, ready: "secureConnect" };
}

/** Dials with `node:net` and `node:tls`: works on Node and Bun. */
export const nodeDialer: Dialer = async (endpoint, signal) => {
  signal?.throwIfAborted();
  const { socket, ready } = await openSocket(endpoint);
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => socket.destroy(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (error?: Error) => {
      signal?.removeEventListener("abort", onAbort);
      socket.off("error", settle);
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once("error", settle);
    socket.once(ready, () => settle());
  });
  return socketConnection(socket);
};
