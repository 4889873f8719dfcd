import { nameserversIn, readHostResolvConf } from "../resolv-conf.ts";

const maximumAgeMs = 2000;

/** The host's name servers as they are now: they change with its networks. Read at most once in two seconds. */
export function createHostResolvers(read: () => string = readHostResolvConf): () => readonly string[] {
  let readAt = Number.NEGATIVE_INFINITY;
  let servers: readonly string[] = [];
  return () => {
    const now = performance.now();
    if (now - readAt >= maximumAgeMs) {
      servers = nameserversIn(read());
      readAt = now;
    }
    return servers;
  };
}
