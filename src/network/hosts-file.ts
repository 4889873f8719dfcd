import { isIP } from "node:net";
import type { HostsFileOptions } from "./contract.ts";
import { errors } from "./errors.ts";

const fixedLines = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** The text of a container's /etc/hosts (hosts(5)), laid out as Docker's: fixed lines, `--add-host`, own addresses. */
export function buildHostsFile(options: HostsFileOptions): string {
  const names =
    options.domainname === "" ? options.hostname : `${options.hostname}.${options.domainname} ${options.hostname}`;
  return [
    ...fixedLines,
    ...options.extraHosts.flatMap((entry) => extraHostLines(entry, options.hostGateways)),
    ...(options.hostname === "" ? [] : options.addresses.map((address) => `${address}\t${names}`)),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** "name:address" or "name=address"; the address may hold colons itself and stand in brackets. */
function extraHostLines(entry: string, hostGateways: readonly string[]): readonly string[] {
  const [, name, target] = /^([^:=\s]+)[:=](\S+)$/.exec(entry) ?? [];
  if (name === undefined || target === undefined) {
    throw errors["network-invalid-extra-host"](entry, "bad format for add-host, expected name:address");
  }
  if (target === "host-gateway") {
    if (hostGateways.length === 0) {
      throw errors["network-invalid-extra-host"](entry, "unable to derive the IP value for host-gateway");
    }
    return hostGateways.map((address) => `${address}\t${name}`);
  }
  const address = target.replace(/^\[(.*)\]$/, "$1");
  if (isIP(address) === 0) throw errors["network-invalid-extra-host"](entry, "invalid IP address in add-host");
  return [`${address}\t${name}`];
}
