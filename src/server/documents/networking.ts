import { shortId } from "#base";
import type { ContainerEndpoint, ContainerView, PublishedPort } from "#engine";
import type { EndpointDocument, NetworkSettingsDocument, PortMap, PortSummary } from "#formats";
import type { ApiVersion } from "../http/version.ts";

const portSpec = /^(\d+)(?:\/(\w+))?$/;

/** A container's networks by name, as list and inspect show them. */
export function endpointDocuments(container: ContainerView, version: ApiVersion): Record<string, EndpointDocument> {
  const documents: Record<string, EndpointDocument> = {};
  for (const endpoint of container.networks)
    documents[endpoint.networkName] = endpointDocument(container, endpoint, version);
  return documents;
}

function endpointDocument(container: ContainerView, place: ContainerEndpoint, version: ApiVersion): EndpointDocument {
  const { endpoint } = place;
  const userDefined = !["bridge", "host", "none"].includes(place.networkName);
  // Below 1.45 the short id was an alias on networks with DNS; it is a DNS name since.
  const aliases = version < 45 && userDefined ? [...place.aliases, shortId(container.id)] : place.aliases;
  const document: EndpointDocument = {
    IPAMConfig: null,
    Links: null,
    Aliases: aliases.length === 0 ? null : [...aliases],
    MacAddress: endpoint?.macAddress ?? place.macAddress,
    DriverOpts: null,
    NetworkID: place.networkId,
    EndpointID: endpoint?.endpointId ?? "",
    Gateway: endpoint?.gateway ?? "",
    IPAddress: endpoint?.ipv4 ?? "",
    IPPrefixLen: endpoint?.ipv4PrefixLength ?? 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
  };
  if (version >= 44) {
    const names = [container.name, ...place.aliases, shortId(container.id), container.config.Hostname ?? ""];
    document.DNSNames = userDefined ? [...new Set(names.filter((name) => name !== ""))] : null;
  }
  if (version >= 48) document.GwPriority = 0;
  return document;
}

/** "" stands for all addresses of the host. */
function shownHostIp(port: PublishedPort): string {
  return port.hostIp === "" ? "0.0.0.0" : port.hostIp;
}

function exposedPorts(container: ContainerView): string[] {
  const { ExposedPorts: exposed } = container.config;
  const { PortBindings: bindings } = container.hostConfig;
  return [...new Set([...Object.keys(exposed ?? {}), ...Object.keys(bindings ?? {})])];
}

/** The list's `Ports`; empty when stopped. */
export function portSummaries(container: ContainerView): PortSummary[] {
  if (!container.state.running || container.networks.length === 0) return [];
  const summaries: PortSummary[] = container.ports.map((port) => ({
    IP: shownHostIp(port),
    PrivatePort: port.containerPort,
    PublicPort: port.hostPort,
    Type: port.protocol,
  }));
  for (const spec of exposedPorts(container)) {
    const [, number, protocol = "tcp"] = portSpec.exec(spec) ?? [];
    if (number === undefined) continue;
    const privatePort = Number(number);
    if (container.ports.some((port) => port.containerPort === privatePort && port.protocol === protocol)) continue;
    summaries.push({ PrivatePort: privatePort, Type: protocol });
  }
  return summaries.sort((a, b) => a.PrivatePort - b.PrivatePort);
}

/** Inspect's `NetworkSettings.Ports`: null for an exposed port that is not published; {} when stopped. */
function portMap(container: ContainerView): PortMap {
  const map: PortMap = {};
  if (!container.state.running || container.networks.length === 0) return map;
  for (const spec of exposedPorts(container)) {
    const [, number, protocol = "tcp"] = portSpec.exec(spec) ?? [];
    if (number !== undefined) map[`${number}/${protocol}`] = null;
  }
  for (const port of container.ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    (map[key] ??= []).push({ HostIp: shownHostIp(port), HostPort: String(port.hostPort) });
  }
  return map;
}

/** Inspect's `NetworkSettings`; the top-level address is that of the default bridge, as old clients expect it. */
export function networkSettings(container: ContainerView, version: ApiVersion): NetworkSettingsDocument {
  const networks = endpointDocuments(container, version);
  const bridge = networks["bridge"];
  const running = container.state.running && container.sandboxKey !== "";
  return {
    Bridge: "",
    SandboxID: running ? container.id : "",
    SandboxKey: container.sandboxKey,
    Ports: portMap(container),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? "",
    Gateway: bridge?.Gateway ?? "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: bridge?.IPAddress ?? "",
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: "",
    MacAddress: bridge?.MacAddress ?? "",
    Networks: networks,
  };
}
