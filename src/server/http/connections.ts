import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { endOfHead, filterHead } from "#wire";

/** Heads longer than this go to the HTTP parser as they are; it refuses them. */
const HEAD_LIMIT_BYTES = 64 * 1024;
const SWEEP_MS = 15_000;
/** A connection must have sent a whole request head this long after its first byte, or after it was made. */
const HEAD_TIMEOUT_MS = 60_000;
/** A connection may rest this long between requests. */
const IDLE_TIMEOUT_MS = 30 * 60_000;

/** What is known of one client connection. */
type Connection = {
  readonly socket: Socket;
  /** Its descriptor; -1 when it is not known (TLS). Valid until `close`. */
  readonly fd: number;
  /** A request is being answered, so bytes that arrive are its body. */
  busy: boolean;
  /** The connection left HTTP. */
  hijacked: boolean;
  /** First bytes of a head that is not complete yet. */
  partial: Buffer | undefined;
  /** When the wait for the next head began. */
  since: number;
  served: boolean;
  upgraded: boolean;
};

/** The connections of an HTTP server. */
export type Connections = {
  /** Gives a new connection to the server, its request heads filtered. */
  accept(socket: Socket): void;
  /** Tells that a request began; the connection is busy until its answer is done. */
  began(request: IncomingMessage, response: ServerResponse): void;
  /** Tells that a connection was taken over; true when the client itself asked for the upgrade. */
  hijacked(socket: object): boolean;
  /** Ends connections that rest, now; the others when `closeAll` is called. */
  closeIdle(): void;
  closeAll(): void;
};

const HANG_UP_CHECK_MS = 1000;

/** There is no other place to find it, and it is not there any more once the HTTP server has the socket. */
function descriptorOf(socket: Socket): number {
  const { fd } = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle ?? {};
  return fd ?? -1;
}

/**
 * The end of what a client sends may be half a goodbye or a whole one; only the first keeps its output. They look the
 * same to a reader, and where the process says nothing nobody would ever find out.
 */
function cutWhenHungUp({ socket, fd }: Connection, isHungUp: (fd: number) => boolean): void {
  if (fd < 0) return;
  let timer: ReturnType<typeof setInterval> | undefined;
  const look = () => {
    // Bun lets go of the descriptor of a peer that has gone altogether, and says no more about it than `end`.
    if (descriptorOf(socket) < 0 || isHungUp(fd)) socket.destroy();
  };
  socket.once("end", () => {
    timer = setInterval(look, HANG_UP_CHECK_MS);
    timer.unref();
    setImmediate(look);
  });
  socket.once("close", () => clearInterval(timer));
}

/**
 * Sits between the sockets and the HTTP parser. Each request head passes `filterHead`, also the later ones of a
 * connection that is kept alive; bodies pass untouched because they only arrive while a request is being answered.
 * Connections that never say anything sensible are closed.
 */
export function createConnections(
  server: Server,
  takesOver: (method: string, path: string) => boolean,
  isHungUp: (fd: number) => boolean = () => false,
): Connections {
  const connections = new Map<object, Connection>();

  const sweep = setInterval(() => {
    const now = Date.now();
    for (const { socket, busy, hijacked, partial, since, served } of connections.values()) {
      if (busy || hijacked) continue;
      const limit = served && partial === undefined ? IDLE_TIMEOUT_MS : HEAD_TIMEOUT_MS;
      if (now - since > limit) socket.destroy();
    }
  }, SWEEP_MS);
  sweep.unref();

  /** The bytes the parser may have now; undefined while a head is incomplete. */
  function filter(connection: Connection, chunk: Buffer): Buffer | undefined {
    if (connection.busy || connection.hijacked) return chunk;
    let bytes = chunk;
    if (connection.partial === undefined) connection.since = Date.now();
    else bytes = Buffer.concat([connection.partial, chunk]);
    // Only a request starts with a letter; anything else is garbage for the parser to refuse.
    if (
      endOfHead(bytes) === -1 &&
      bytes.length < HEAD_LIMIT_BYTES &&
      /^[A-Za-z\r\n]/.test(String.fromCharCode(bytes[0] ?? 0))
    ) {
      connection.partial = bytes;
      return undefined;
    }
    connection.partial = undefined;
    if (endOfHead(bytes) === -1) return bytes;
    const filtered = filterHead(bytes, takesOver);
    connection.upgraded = filtered.upgraded;
    connection.busy = true;
    connection.served = true;
    return filtered.chunk;
  }

  return {
    accept(socket) {
      const connection: Connection = {
        socket,
        fd: descriptorOf(socket),
        busy: false,
        hijacked: false,
        partial: undefined,
        since: Date.now(),
        served: false,
        upgraded: false,
      };
      connections.set(socket, connection);
      socket.once("close", () => connections.delete(socket));
      socket.on("error", () => socket.destroy());
      // The parser listens to "data"; there is no other place before it where bytes can still be changed.
      const emit = socket.emit.bind(socket) as (event: string | symbol, ...values: unknown[]) => boolean;
      socket.emit = ((event: string | symbol, ...values: unknown[]) => {
        if (event !== "data") return emit(event, ...values);
        const chunk = filter(connection, values[0] as Buffer);
        return chunk === undefined ? true : emit(event, chunk);
      }) as Socket["emit"];
      server.emit("connection", socket);
    },
    began(request, response) {
      const connection = connections.get(request.socket);
      if (connection === undefined) return;
      connection.busy = true;
      const rest = () => {
        connection.busy = false;
        connection.since = Date.now();
      };
      // An answer may be complete before its request is: what still comes is body, not a next head.
      response.once("close", () => {
        if (request.complete) rest();
        else request.once("end", rest);
      });
    },
    hijacked(socket) {
      const connection = connections.get(socket);
      if (connection === undefined) return true;
      connection.hijacked = true;
      cutWhenHungUp(connection, isHungUp);
      return connection.upgraded;
    },
    closeIdle() {
      clearInterval(sweep);
      for (const { socket, busy, hijacked } of connections.values()) if (!busy && !hijacked) socket.destroy();
    },
    closeAll() {
      for (const { socket } of connections.values()) socket.destroy();
    },
  };
}
