import { errors } from "../errors.ts";

/** `host:port` of a URL or of a bare address. */
export type HostPort = { readonly host: string; readonly port: number };

/** Splits `host:port`, `[v6]:port` or a host alone; undefined when it is neither. */
export function splitHostPort(text: string, defaultPort: number | undefined): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]/\s]+))?(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port === undefined || port > 65535) return undefined;
  const host = match[1] ?? match[2] ?? "";
  return { host: host === "" ? "127.0.0.1" : host, port };
}

/** `scheme://rest`; throws with the option's name when the text is none. */
export function splitScheme(option: string, address: string): { readonly scheme: string; readonly rest: string } {
  const match = /^([a-z][a-z0-9+]*):\/\/(.*)$/i.exec(address);
  if (match === null) throw errors.logOptionInvalid(`${option} should be in form proto://address, got ${address}`);
  return { scheme: (match[1] ?? "").toLowerCase(), rest: match[2] ?? "" };
}
