import {
  acceptStream,
  closeFd,
  connectInet,
  EPOLL,
  readInto,
  shutdownWrite,
  stableBuffer,
  streamFailure,
  WOULD_BLOCK,
  writeFrom,
} from "#linux";
import type { ForwardTarget, Relay, Watch } from "./relay.ts";

/** Bytes one connection may move before others get their turn. */
const TURN_BYTES = 1024 * 1024;
const buffer = stableBuffer(256 * 1024);
const ECONNABORTED = 103;
/** How long a listener rests when the process has no descriptors left. */
const REST_MS = 50;

/** One direction of a connection. */
type Flow = {
  readonly from: number;
  readonly to: number;
  /** Read, and not yet taken by the other side. */
  rest: Buffer | undefined;
  state: "open" | "ended" | "done";
};

/** Takes the connections of a listening socket to a container. */
export function relayStreams(listener: number, target: ForwardTarget, watch: Watch): Relay {
  const open = new Set<() => void>();
  let restsUntilMs = 0;
  let isEnded = false;

  const accept = (): void => {
    for (;;) {
      const client = acceptStream(listener);
      if (client === -ECONNABORTED) continue;
      if (client < 0) {
        if (client !== WOULD_BLOCK) {
          // EMFILE, ENFILE, ENOBUFS: waiting connections stay in the queue, and would wake us without end.
          restsUntilMs = Date.now() + REST_MS;
          watch.remove(listener);
          watch.sweepAt(restsUntilMs);
        }
        return;
      }
      const close = relayOne(client, target, watch, () => open.delete(close));
      open.add(close);
    }
  };
  const listen = (): void => watch.set(listener, EPOLL.IN, accept);
  listen();

  return {
    end: () => {
      isEnded = true;
      watch.remove(listener);
      closeFd(listener);
      for (const close of open) close();
    },
    sweep: (nowMs) => {
      if (restsUntilMs === 0 || isEnded) return;
      if (nowMs < restsUntilMs) return watch.sweepAt(restsUntilMs);
      restsUntilMs = 0;
      listen();
    },
  };
}

/** Connects a client to the container; the result ends it early. */
function relayOne(client: number, target: ForwardTarget, watch: Watch, onEnd: () => void): () => void {
  const server = connectInet("stream", target.address, target.port);
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    for (const fd of [client, server]) {
      if (fd < 0) continue;
      watch.remove(fd);
      closeFd(fd);
    }
    onEnd();
  };
  if (server < 0) {
    // After the caller knows of it.
    queueMicrotask(close);
    return close;
  }
  const up: Flow = { from: client, to: server, rest: undefined, state: "open" };
  const down: Flow = { from: server, to: client, rest: undefined, state: "open" };

  const turn = (): void => {
    if (closed) return;
    for (const flow of [up, down]) {
      if (!move(flow)) return close();
    }
    if (up.state === "done" && down.state === "done") return close();
    watch.set(client, wanted(up, down), turn);
    watch.set(server, wanted(down, up), turn);
  };
  watch.set(server, EPOLL.OUT, () => {
    if (streamFailure(server) !== 0) close();
    else turn();
  });
  return close;
}

/** What a socket has to be ready for: to give more, and to take what is left. */
function wanted(outgoing: Flow, incoming: Flow): number {
  const more = outgoing.state === "open" && outgoing.rest === undefined ? EPOLL.IN : 0;
  return more | (incoming.rest === undefined ? 0 : EPOLL.OUT);
}

/** Moves what can be moved now; false when the connection has broken. */
function move(flow: Flow): boolean {
  let moved = 0;
  for (;;) {
    if (flow.rest !== undefined) {
      const written = writeFrom(flow.to, flow.rest);
      if (written === WOULD_BLOCK) return true;
      if (written < 0) return false;
      flow.rest = written === flow.rest.length ? undefined : flow.rest.subarray(written);
      if (flow.rest !== undefined) return true;
    }
    if (flow.state === "ended") {
      flow.state = "done";
      shutdownWrite(flow.to);
    }
    if (flow.state === "done" || moved >= TURN_BYTES) return true;
    const length = readInto(flow.from, buffer);
    if (length === WOULD_BLOCK) return true;
    if (length < 0) return false;
    if (length === 0) {
      flow.state = "ended";
      continue;
    }
    moved += length;
    const written = writeFrom(flow.to, buffer.subarray(0, length));
    if (written < 0 && written !== WOULD_BLOCK) return false;
    // Copied: the buffer is everybody's. Stable, as the kernel is to read it later.
    if (written < length) {
      const taken = Math.max(written, 0);
      flow.rest = stableBuffer(length - taken);
      buffer.copy(flow.rest, 0, taken, length);
    }
  }
}
