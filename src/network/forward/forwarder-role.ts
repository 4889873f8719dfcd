import { writeSync } from "node:fs";
import { closeFd, createEpollSet, EPOLL, receiveDescriptor, WOULD_BLOCK } from "#linux";
import { relayDatagrams } from "./datagram-relay.ts";
import { type ForwardOrder, ordersDescriptor } from "./orders.ts";
import { createWatch, type Relay } from "./relay.ts";
import { relayStreams } from "./stream-relay.ts";

/**
 * `berth forwarder`, a child of the daemon's: takes what comes to published ports where the kernel does not (from `[::1]`, and
 * between the families) to containers. Blocks its thread in epoll_wait(2), having nothing else to do. It ends with the
 * daemon, whose next start makes another.
 */
export function runForwarder(): never {
  const set = createEpollSet();
  const watch = createWatch(set);
  const relays = new Map<string, Relay>();

  const obey = (text: string, fd: number | undefined): void => {
    const order = JSON.parse(text) as ForwardOrder;
    if (order.order === "end") {
      relays.get(order.key)?.end();
      relays.delete(order.key);
      writeSync(1, `${order.key}\n`);
      return;
    }
    if (fd === undefined) return;
    relays.get(order.key)?.end();
    const target = { address: Buffer.from(order.address, "hex"), port: order.port };
    relays.set(order.key, (order.protocol === "tcp" ? relayStreams : relayDatagrams)(fd, target, watch));
  };

  watch.set(ordersDescriptor, EPOLL.IN, () => {
    for (;;) {
      const received = receiveDescriptor(ordersDescriptor);
      if (received === WOULD_BLOCK) return;
      if (typeof received === "number") {
        // 0: the daemon has gone.
        process.exit(0);
      }
      try {
        obey(received.text, received.fd);
      } catch {
        // No relay can be made of it (no descriptors left); the daemon still holds the port.
        if (received.fd !== undefined) closeFd(received.fd);
      }
    }
  });

  for (;;) {
    const dueMs = watch.dueMs();
    const timeoutMs = dueMs === undefined ? -1 : Math.max(dueMs - Date.now(), 0);
    set.wait(timeoutMs, (fd, events) => watch.dispatch(fd, events));
    if (dueMs === undefined || Date.now() < dueMs) continue;
    watch.swept();
    for (const relay of relays.values()) relay.sweep(Date.now());
  }
}
