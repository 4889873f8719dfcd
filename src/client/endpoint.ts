import { clientErrors } from "./errors.ts";
import type { Endpoint, TlsMaterial } from "#wire";

/**
 * Reads a daemon's address as `--host` takes it: `unix:///path`, `tcp://host[:port]`, `http://…`, `https://…`.
 * Throws `daemon-address-invalid` for anything else.
 */
export function parseEndpoint(address: string, tls?: TlsMaterial): Endpoint {
  const unix = /^unix:\/\/(.+)$/.exec(address);
  if (unix !== null) return { kind: "unix", path: unix[1] ?? "", address };
  const tcp = /^(tcp|https?):\/\/(\[[^\]]+\]|[^:/]+)?(?::(\d+))?\/?$/.exec(address);
  if (tcp === null) throw clientErrors["daemon-address-invalid"](address);
  const material = tls ?? (tcp[1] === "https" ? {} : undefined);
  return {
    kind: "tcp",
    host: (tcp[2] ?? "127.0.0.1").replace(/^\[|\]$/g, ""),
    port: Number(tcp[3] ?? (material === undefined ? 2375 : 2376)),
    tls: material,
    address,
  };
}
