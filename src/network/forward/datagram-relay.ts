import {
  answerDatagram,
  closeFd,
  connectInet,
  type DatagramOrigin,
  EPOLL,
  readInto,
  receiveDatagram,
  stableBuffer,
  tellDestinations,
  WOULD_BLOCK,
  writeFrom,
} from "#linux";
import type { ForwardTarget, Relay, Watch } from "./relay.ts";

/** As Docker's proxy forgets a client. */
const IDLE_MS = 90_000;
/** Clients of one port at a time: whoever sends from many addresses takes no more of our descriptors than this. */
const MOST_CLIENTS = 512;
/** Datagrams in one turn. */
const TURN_DATAGRAMS = 256;
const buffer = stableBuffer(65_536);
const datagram = stableBuffer(65_536);

type Client = { readonly fd: number; readonly from: DatagramOrigin; usedMs: number };

/** Takes datagrams to a container, each client's by a socket of its own, and answers back to the client. */
export function relayDatagrams(socket: number, target: ForwardTarget, watch: Watch): Relay {
  tellDestinations(socket);
  // In order of use: the first has been idle longest.
  const clients = new Map<string, Client>();

  const drop = (key: string, client: Client): void => {
    clients.delete(key);
    watch.remove(client.fd);
    closeFd(client.fd);
  };

  const answer = (client: Client): void => {
    for (let count = 0; count < TURN_DATAGRAMS; count++) {
      const length = readInto(client.fd, buffer);
      // -ECONNREFUSED and its kin are the answer to a datagram nobody took.
      if (length === WOULD_BLOCK) return;
      if (length < 0) continue;
      client.usedMs = Date.now();
      answerDatagram(socket, buffer.subarray(0, length), client.from);
    }
  };

  const clientOf = (key: string, from: DatagramOrigin): Client | undefined => {
    const known = clients.get(key);
    if (known !== undefined) {
      clients.delete(key);
      clients.set(key, known);
      return known;
    }
    const [oldest] = clients;
    if (oldest !== undefined && clients.size >= MOST_CLIENTS) drop(...oldest);
    const fd = connectInet("datagram", target.address, target.port);
    if (fd < 0) return undefined;
    const client = { fd, from, usedMs: 0 };
    clients.set(key, client);
    watch.sweepAt(Date.now() + IDLE_MS);
    watch.set(fd, EPOLL.IN, () => answer(client));
    return client;
  };

  watch.set(socket, EPOLL.IN, () => {
    for (let count = 0; count < TURN_DATAGRAMS; count++) {
      const received = receiveDatagram(socket);
      if (received === WOULD_BLOCK) return;
      if (typeof received === "number") continue;
      const client = clientOf(
        `${received.from.name.toString("latin1")}${received.from.control.toString("latin1")}`,
        received.from,
      );
      if (client === undefined) continue;
      client.usedMs = Date.now();
      received.bytes.copy(datagram);
      writeFrom(client.fd, datagram.subarray(0, Math.max(received.bytes.length, 0)));
    }
  });

  return {
    end: () => {
      watch.remove(socket);
      closeFd(socket);
      for (const [key, client] of clients) drop(key, client);
    },
    sweep: (nowMs) => {
      for (const [key, client] of clients) {
        if (nowMs - client.usedMs >= IDLE_MS) drop(key, client);
      }
      if (clients.size > 0) watch.sweepAt(nowMs + IDLE_MS / 3);
    },
  };
}
