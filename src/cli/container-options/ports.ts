import type { PortMap } from "#formats";
import { cliErrors } from "../errors.ts";

export type PublishedPorts = { readonly exposed: Record<string, object>; readonly bindings: PortMap };

type Range = { readonly first: number; readonly last: number };

function parseRange(text: string): Range | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return last < first || last > 65_535 ? undefined : { first, last };
}

function isAddress(text: string): boolean {
  if (text.includes(":"))
    return /^[0-9a-fA-F:]+(?:\d+\.\d+\.\d+\.\d+)?(?:%\w+)?$/.test(text) && text.split("::").length <= 2;
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.split(".").every((byte) => Number(byte) < 256);
}

/** `[ip:][host:]container` taken apart; an IPv6 address stands in brackets. */
function splitParts(text: string): { ip: string; host: string; container: string } {
  const parts = text.split(":");
  const container = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  return { ip: parts.join(":"), host, container };
}

/** `published=8080,target=80,protocol=tcp`, the long form, as the short one. */
function toShortForm(text: string): string {
  if (!text.includes("=")) return text;
  const fields = new Map<string, string>();
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    if (equals < 0)
      throw cliErrors["bad-option"](`invalid publish opts format (should be name=value but got '${part}')`);
    fields.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return `${fields.get("published") ?? ""}:${fields.get("target") ?? ""}/${fields.get("protocol") ?? "tcp"}`;
}

function parseOne(text: string, into: PublishedPorts): void {
  const slash = text.lastIndexOf("/");
  const protocol = slash < 0 ? "tcp" : text.slice(slash + 1).toLowerCase();
  const { ip: rawIp, host, container } = splitParts(slash < 0 ? text : text.slice(0, slash));
  let ip = rawIp;
  if (ip.startsWith("[")) {
    if (!ip.endsWith("]")) throw cliErrors["bad-option"](`invalid IP address: ${ip}`);
    ip = ip.slice(1, -1);
  }
  if (ip !== "" && !isAddress(ip)) throw cliErrors["bad-option"](`invalid IP address: ${rawIp}`);
  if (container === "") throw cliErrors["bad-option"](`no port specified: ${text}<empty>`);
  const containerRange = parseRange(container);
  if (containerRange === undefined || containerRange.first === 0) {
    throw cliErrors["bad-option"](`invalid containerPort: ${container}`);
  }
  const hostRange = host === "" ? undefined : parseRange(host);
  if (host !== "" && hostRange === undefined) throw cliErrors["bad-option"](`invalid hostPort: ${host}`);
  const count = containerRange.last - containerRange.first;
  const oneOfMany = hostRange !== undefined && count === 0 && hostRange.last > hostRange.first;
  if (hostRange !== undefined && !oneOfMany && hostRange.last - hostRange.first !== count) {
    throw cliErrors["bad-option"](`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw cliErrors["bad-option"](`invalid proto: ${protocol}`);
  for (let offset = 0; offset <= count; offset++) {
    const key = `${containerRange.first + offset}/${protocol}`;
    into.exposed[key] = {};
    const HostPort = hostRange === undefined ? "" : oneOfMany ? host : String(hostRange.first + offset);
    (into.bindings[key] ??= []).push({ HostIp: ip, HostPort });
  }
}

/** Reads `--publish`: `[ip:][hostPort[-last]:]containerPort[-last][/protocol]`. */
export function parsePublish(specs: readonly string[]): PublishedPorts {
  const ports: PublishedPorts = { exposed: {}, bindings: {} };
  for (const spec of specs) parseOne(toShortForm(spec), ports);
  return ports;
}

/** Reads `--expose`: `port[-last][/protocol]`. */
export function parseExpose(specs: readonly string[]): Record<string, object> {
  const exposed: Record<string, object> = {};
  for (const spec of specs) {
    if (spec.includes(":")) throw cliErrors["bad-option"](`invalid port format for --expose: ${spec}`);
    const [ports = "", protocol = "tcp"] = spec.split("/");
    const range = parseRange(ports);
    if (range === undefined) {
      throw cliErrors["bad-option"](`invalid range format for --expose: ${spec}, error: invalid port range: ${ports}`);
    }
    for (let port = range.first; port <= range.last; port++) exposed[`${port}/${protocol.toLowerCase()}`] = {};
  }
  return exposed;
}
