import type { TCPSocketListener } from "bun";
import { closeNamespace, NETLINK_NETFILTER, openNetlink, openOwnNetworkNamespace, redirectNameServer } from "#linux";
import { answerLocally, type LocalKnowledge } from "./answer.ts";
import { createForwarder, type Upstream } from "./forwarder.ts";
import { emptyAnswer, parseQuery, RCODE } from "./message.ts";
import { createFrameReader, frame } from "./stream-frames.ts";
import { openUdpSocket } from "./udp-socket.ts";
import type { Within } from "./upstream-socket.ts";

/** Where containers find their name server, as in Docker. */
export const nameServerAddress = "127.0.0.11";

/** What a name server asks for with each query, so that it never holds anything stale. */
export type NameServerBackend = {
  knowledge(): LocalKnowledge;
  upstreams(): readonly Upstream[];
};

/** A container's name server: sockets of the daemon in the container's network namespace. */
export type NameServer = { close(): void };

const maximumConnections = 32;
const idleSeconds = 10;
const maximumStreamBytes = 65_535;

type Connection = { read: (piece: Buffer) => boolean };

/**
 * Opens the name server of the namespace the calling thread is in, whose loopback is up: a UDP and a TCP socket at
 * ports of the kernel's choice (Bun binds both before it returns), and the redirection of port 53 to them. Takes the place of one that a killed daemon
 * left. Sockets keep the namespace alive: `close` when the container has ended.
 * @param insideOf runs synchronous work in the namespace behind a handle
 */
export function openNameServer(
  insideOf: <Result>(namespace: number, work: () => Result) => Result,
  backend: NameServerBackend,
): NameServer {
  using undo = new DisposableStack();
  const namespace = openOwnNetworkNamespace();
  undo.defer(() => closeNamespace(namespace));
  const within: Within = (work) => insideOf(namespace, work);
  const forwarder = createForwarder(within);

  const answer = async (bytes: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> => {
    const query = parseQuery(bytes);
    if (query === undefined) return emptyAnswer(bytes, RCODE.formatError);
    const maximumBytes = transport === "udp" ? query.maximumBytes : maximumStreamBytes;
    try {
      const local = answerLocally(query, backend.knowledge(), maximumBytes);
      if (local !== undefined) return local;
      const answered = await forwarder.forward(backend.upstreams(), query, transport);
      return answered ?? emptyAnswer(bytes, RCODE.serverFailure, query.questionEnd);
    } catch {
      // A socket that could not be opened (no descriptors left, the container's namespace in dissolution): whoever asked
      // hears that there was trouble, and nobody else is harmed by it.
      return emptyAnswer(bytes, RCODE.serverFailure, query.questionEnd);
    }
  };

  let closed = false;
  const datagrams = openUdpSocket(nameServerAddress, (data, port, address) => {
    void answer(data, "udp").then((reply) => {
      if (reply !== undefined && !closed) datagrams.send(reply, port, address);
    });
  });
  undo.defer(() => datagrams.close());
  const listener = listen(answer);
  undo.defer(() => listener.stop(true));
  const netfilter = openNetlink(NETLINK_NETFILTER);
  try {
    redirectNameServer(netfilter, {
      address: Buffer.from(nameServerAddress.split(".").map(Number)),
      udpPort: datagrams.port,
      tcpPort: listener.port,
    });
  } finally {
    netfilter.close();
  }
  undo.move();
  return {
    close: () => {
      if (closed) return;
      closed = true;
      datagrams.close();
      listener.stop(true);
      forwarder.close();
      closeNamespace(namespace);
    },
  };
}

function listen(
  answer: (bytes: Buffer, transport: "tcp") => Promise<Buffer | undefined>,
): TCPSocketListener<Connection> {
  let connections = 0;
  return Bun.listen<Connection>({
    hostname: nameServerAddress,
    port: 0,
    socket: {
      open: (socket) => {
        connections++;
        if (connections > maximumConnections) {
          socket.terminate();
          return;
        }
        socket.timeout(idleSeconds);
        socket.data = {
          read: createFrameReader((message) => {
            void answer(message, "tcp").then((reply) => {
              if (reply !== undefined) socket.write(frame(reply));
            });
          }),
        };
      },
      data: (socket, data) => {
        socket.timeout(idleSeconds);
        if (!socket.data.read(Buffer.from(data))) socket.terminate();
      },
      timeout: (socket) => socket.terminate(),
      close: () => {
        connections--;
      },
      error: (socket) => socket.terminate(),
    },
  });
}
