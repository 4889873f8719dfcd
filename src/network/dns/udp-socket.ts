import type { udp } from "bun";

/** What a socket receives: the data, and where it came from. */
type Receive = (data: Buffer, port: number, address: string) => void;

/**
 * Opens a UDP socket at a port of the kernel's choice in the network namespace the thread is in. Bun does all of it
 * before it returns its promise, which is therefore looked into instead of awaited: nothing may be awaited in another
 * namespace.
 */
export function openUdpSocket(hostname: string, receive: Receive): udp.Socket<"buffer"> {
  const opening = Bun.udpSocket({
    hostname,
    port: 0,
    socket: {
      data: (_socket, data, port, address) => receive(Buffer.from(data), port, address),
      error: () => {
        // An ICMP error: a server that does not listen, or a client that has gone. The one times out, the other is no loss.
      },
    },
  });
  const socket = Bun.peek(opening);
  if (socket instanceof Promise) throw new Error("a UDP socket was not opened at once");
  return socket;
}
