import { readFileSync } from "node:fs";
import { type ListenAddress, parseListenAddress } from "#server";
import { type DaemonOptions, defaultGroup } from "./options.ts";

/** A `--host` with the socket's group or the TLS files that go with it. */
export function listenAddress(host: string, options: Pick<DaemonOptions, "group" | "tls">): ListenAddress {
  const address = parseListenAddress(host);
  if (address.kind === "unix") return hasGroup(options.group) ? { ...address, group: options.group } : address;
  if (!options.tls.enabled) return address;
  return {
    ...address,
    tls: {
      cert: readFileSync(options.tls.cert, "utf8"),
      key: readFileSync(options.tls.key, "utf8"),
      clientCa: options.tls.verify ? readFileSync(options.tls.ca, "utf8") : undefined,
    },
  };
}

/** The default group is a convenience: a host that has none has a socket for root alone. */
function hasGroup(group: string): boolean {
  return (
    group !== defaultGroup ||
    readFileSync("/etc/group", "utf8")
      .split("\n")
      .some((line) => line.startsWith(`${group}:`))
  );
}
