import { isIP } from "node:net";
import { SyntaxFault } from "./fault.ts";

/**
 * Reads one word of EXPOSE, `[[ip:]hostPort:]port[-port][/protocol]`, into the ports it exposes ("80/tcp"). The host's part
 * is checked for form but means nothing in an image.
 */
export function parseExposedPorts(spec: string): string[] {
  const slash = spec.indexOf("/");
  const address = slash === -1 ? spec : spec.slice(0, slash);
  const protocol = slash === -1 || slash === spec.length - 1 ? "tcp" : spec.slice(slash + 1).toLowerCase();
  const parts = address.split(":");
  const containerPart = parts.at(-1) ?? "";
  const hostPart = parts.length > 1 ? (parts.at(-2) ?? "") : "";
  const host = parts
    .slice(0, -2)
    .join(":")
    .replace(/^\[(.*)\]$/, "$1");
  const invalid = (reason: string) => new SyntaxFault(`invalid port: ${JSON.stringify(spec)}: ${reason}`);
  if (host !== "" && isIP(host) === 0) throw invalid(`invalid IP address: ${host}`);
  if (containerPart === "") throw invalid("no port specified");
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw invalid(`invalid protocol: ${protocol}`);
  const [first, last] = range(containerPart, invalid);
  if (hostPart !== "") {
    const [hostFirst, hostLast] = range(hostPart, invalid);
    if (hostLast - hostFirst !== last - first && first !== last) {
      throw invalid("the ranges of container and host ports differ in length");
    }
  }
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

function range(text: string, invalid: (reason: string) => SyntaxFault): [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const first = Number(match?.[1] ?? Number.NaN);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (match === null || first > 65535 || last > 65535 || first > last) throw invalid(`invalid port or range: ${text}`);
  return [first, last];
}
