import type { Logger } from "#base";
import { closeFd, packetSocketPair, sendDatagram, sendDescriptor, WOULD_BLOCK } from "#linux";
import { type ForwardOrder, ordersDescriptor } from "./orders.ts";

/** A published port that the kernel cannot lead to its container, and the socket that has it on the host. */
export type ForwardedPort = {
  readonly protocol: "tcp" | "udp";
  readonly socket: number;
  /** 4 or 16 bytes. */
  readonly address: Buffer;
  readonly port: number;
};

/**
 * The process that carries connections where nftables cannot: what `[::1]` sends never leaves the loopback interface, and no
 * translation crosses the families. It runs while there are such ports, and is made again when it dies.
 */
export type Forwarder = {
  /** Hands over a bound socket (a duplicate); returns at once, connections wait in the socket's queue meanwhile. */
  forward(port: ForwardedPort): ForwardHandle;
  /** Resolves when every port that was ended is free again; undefined = all are. */
  settled(): Promise<void> | undefined;
  /** Ends the process. */
  close(): Promise<void>;
};

export type ForwardHandle = { end(): void };

/** The forwarder outlives its last port that long: containers come and go. */
const LINGER_MS = 30_000;
const RETRY_MS = 5;
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;

type Child = {
  readonly process: Bun.Subprocess<null, "pipe", "inherit">;
  readonly orders: number;
  readonly queue: (() => number)[];
};

/** @param command the program that runs as forwarder */
export function createForwarder(command: readonly string[], logger: Logger): Forwarder {
  const ports = new Map<string, ForwardedPort>();
  /** Ports that were ended and may still be open, by the process that had them. */
  const ending = new Map<string, Child>();
  let waiters: (() => void)[] = [];
  let child: Child | undefined;
  let next = 0;
  let linger: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const settle = (): void => {
    if (ending.size > 0) return;
    for (const resolve of waiters.splice(0)) resolve();
  };

  const flush = (to: Child): void => {
    for (;;) {
      const [send] = to.queue;
      if (send === undefined || child !== to) return;
      if (send() === WOULD_BLOCK) {
        setTimeout(() => flush(to), RETRY_MS);
        return;
      }
      to.queue.shift();
    }
  };
  const post = (to: Child, send: () => number): void => {
    to.queue.push(send);
    if (to.queue.length === 1) flush(to);
  };

  const handOver = (to: Child, key: string, port: ForwardedPort): void => {
    const order: ForwardOrder = {
      order: "forward",
      key,
      protocol: port.protocol,
      address: port.address.toString("hex"),
      port: port.port,
    };
    // The port may have ended while the order waited, and its descriptor be another's by now.
    post(to, () => (ports.get(key) === port ? sendDescriptor(to.orders, JSON.stringify(order), port.socket) : 0));
  };

  const start = (): Child => {
    const [ours, theirs] = packetSocketPair(IN_FLIGHT_BYTES);
    const stdio: [null, "pipe", "inherit", number] = [null, "pipe", "inherit", theirs];
    if (stdio.length !== ordersDescriptor + 1) throw new Error("the orders' descriptor is not the last");
    const process = Bun.spawn([...command], { stdio, env: globalThis.process.env });
    closeFd(theirs);
    process.unref();
    const made: Child = { process, orders: ours, queue: [] };
    void hear(made);
    return made;
  };

  /** Reads which ports were let go of, until the process ends. */
  const hear = async (of: Child): Promise<void> => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of of.process.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const key of lines) ending.delete(key);
      settle();
    }
    await of.process.exited;
    closeFd(of.orders);
    for (const [key, by] of ending) if (by === of) ending.delete(key);
    settle();
    if (child !== of) return;
    child = undefined;
    if (closed || ports.size === 0) return;
    logger.warn("the forwarder of published ports has died; making another", { exitCode: of.process.exitCode });
    const again = start();
    child = again;
    for (const [key, port] of ports) handOver(again, key, port);
  };

  const stop = async (): Promise<void> => {
    clearTimeout(linger);
    const last = child;
    if (last === undefined) return;
    child = undefined;
    last.process.kill("SIGKILL");
    await last.process.exited;
  };

  return {
    forward: (port) => {
      clearTimeout(linger);
      const key = String(next++);
      ports.set(key, port);
      child ??= start();
      handOver(child, key, port);
      return {
        end: () => {
          if (!ports.delete(key) || child === undefined) return;
          const to = child;
          ending.set(key, to);
          const order: ForwardOrder = { order: "end", key };
          post(to, () => sendDatagram(to.orders, Buffer.from(JSON.stringify(order))));
          if (ports.size > 0 || closed) return;
          linger = setTimeout(() => void stop(), LINGER_MS);
          linger.unref();
        },
      };
    },
    settled: () => (ending.size === 0 ? undefined : new Promise((resolve) => void (waiters = [...waiters, resolve]))),
    close: async () => {
      closed = true;
      await stop();
    },
  };
}
