import type { Query } from "./message.ts";
import { rcodeOf, RCODE } from "./message.ts";
import { createUpstreamSocket, type UpstreamSocket, type Within } from "./upstream-socket.ts";
import { askByTcp } from "./upstream-stream.ts";

/** A name server to ask, and from where. */
export type Upstream = {
  readonly address: string;
  /** "container": by the container's own ways. "host": for one that only the host can reach. */
  readonly from: "container" | "host";
};

/** Passes questions on to other name servers. */
export type Forwarder = {
  /** The first usable answer, else an error answer that was given, else undefined: within `totalMs`. */
  forward(upstreams: readonly Upstream[], query: Query, transport: "udp" | "tcp"): Promise<Buffer | undefined>;
  close(): void;
};

/** So many servers are asked, as resolv.conf(5) and Docker have it. */
const maximumServers = 3;
/** A server that has not answered for so long gets company by the next. */
const patienceMs = 1500;
/** Below the 5 s after which clients ask again. */
const totalMs = 4500;
const maximumPending = 1024;

/** @param inContainer runs synchronous work in the container's network namespace */
export function createForwarder(inContainer: Within): Forwarder {
  const sockets = new Map<string, UpstreamSocket>();
  const onHost: Within = (work) => work();
  let pending = 0;

  const ask = (upstream: Upstream, query: Query, transport: "udp" | "tcp", signal: AbortSignal): Promise<Buffer> => {
    const within = upstream.from === "host" ? onHost : inContainer;
    if (transport === "tcp") return askByTcp(within, upstream.address, query, signal);
    const family = upstream.address.includes(":") ? 6 : 4;
    const key = `${upstream.from} ${family}`;
    let socket = sockets.get(key);
    if (socket === undefined) sockets.set(key, (socket = createUpstreamSocket(within, family)));
    return socket.ask(upstream.address, query, signal);
  };

  return {
    forward: async (upstreams, query, transport) => {
      const servers = upstreams.slice(0, maximumServers);
      if (servers.length === 0 || pending >= maximumPending) return undefined;
      pending++;
      const stop = new AbortController();
      const deadline = setTimeout(() => stop.abort(), totalMs);
      try {
        return await firstUsable(servers, (server) => ask(server, query, transport, stop.signal), stop.signal);
      } finally {
        pending--;
        clearTimeout(deadline);
        stop.abort();
      }
    },
    close: () => {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}

/** Asks one after the other, the next as soon as one fails or is slow; the first answer that says something wins. */
function firstUsable(
  servers: readonly Upstream[],
  ask: (server: Upstream) => Promise<Buffer>,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let asked = 0;
    let failed = 0;
    let lastResort: Buffer | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const next = (): void => {
      clearTimeout(timer);
      const server = servers[asked];
      if (server === undefined) return;
      asked++;
      if (asked < servers.length) timer = setTimeout(next, patienceMs);
      void ask(server).then(take, giveUp);
    };
    const take = (answer: Buffer): void => {
      // The answer "no such name" is one; a server's own trouble may not be the next one's.
      const rcode = rcodeOf(answer);
      if (rcode === RCODE.noError || rcode === RCODE.nameError) {
        finish(answer);
        return;
      }
      lastResort ??= answer;
      giveUp();
    };
    const giveUp = (): void => {
      failed++;
      if (failed === servers.length) finish(lastResort);
      else if (asked === failed) next();
    };
    signal.addEventListener("abort", () => finish(lastResort), { once: true });
    next();
  });
}
