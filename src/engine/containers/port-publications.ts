import { isIP } from "node:net";
import type { ContainerConfig, HostConfig } from "#formats";
import type { PortPublication } from "#network";
import { errors } from "../errors.ts";

type Protocol = PortPublication["protocol"];

/** `80/tcp`, `53/udp`, `80` of PortBindings and ExposedPorts. */
export function parsePort(text: string): { readonly port: number; readonly protocol: Protocol } {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > 65535) throw errors.portSpecInvalid(text);
  return { port, protocol: (match[2]?.toLowerCase() ?? "tcp") as Protocol };
}

function parseHostPort(text: string): { readonly first: number; readonly last: number | undefined } {
  if (text === "") return { first: 0, last: undefined };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? undefined : Number(match[2]);
  if (match === null || first > 65535 || (last !== undefined && (last > 65535 || last < first))) {
    throw errors.hostPortInvalid(text);
  }
  return { first, last };
}

/** What has to be published when the container starts: `-p` bindings, and with `-P` every other exposed port. */
export function portPublications(config: ContainerConfig, hostConfig: HostConfig): readonly PortPublication[] {
  const publications: PortPublication[] = [];
  const bound = new Set<string>();
  for (const [text, bindings] of Object.entries(hostConfig.PortBindings ?? {})) {
    const { port, protocol } = parsePort(text);
    bound.add(`${port}/${protocol}`);
    for (const binding of bindings ?? []) {
      const hostIp = binding.HostIp ?? "";
      if (hostIp !== "" && isIP(hostIp) === 0) throw errors.hostIpInvalid(hostIp);
      const { first, last } = parseHostPort(binding.HostPort ?? "");
      publications.push({ containerPort: port, protocol, hostIp, hostPort: first, hostPortEnd: last });
    }
  }
  for (const text of Object.keys(config.ExposedPorts ?? {})) {
    const { port, protocol } = parsePort(text);
    if (hostConfig.PublishAllPorts !== true || bound.has(`${port}/${protocol}`)) continue;
    publications.push({ containerPort: port, protocol, hostIp: "", hostPort: 0 });
  }
  return publications;
}
