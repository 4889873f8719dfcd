import { shortId } from "#base";
import type { ContainerEndpoint, ContainerView } from "#engine";
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
  const { endpoint, settings } = place;
  const given = settings.Aliases ?? [];
  // Below 1.45 the short id was an alias on networks with DNS; it is a DNS name since.
  const aliases = version < 45 && place.dnsNames !== undefined ? [...given, shortId(container.id)] : given;
  const options = settings.DriverOpts ?? {};
  const document: EndpointDocument = {
    IPAMConfig: ipamConfig(settings.IPAMConfig),
    Links: (settings.Links ?? []).length === 0 ? null : [...(settings.Links ?? [])],
    Aliases: aliases.length === 0 ? null : [...aliases],
    MacAddress: endpoint?.macAddress ?? place.macAddress,
    DriverOpts: Object.keys(options).length === 0 ? null : { ...options },
    NetworkID: place.networkId,
    EndpointID: endpoint?.endpointId ?? "",
    Gateway: endpoint?.gateway ?? "",
    IPAddress: endpoint?.ipv4 ?? "",
    IPPrefixLen: endpoint?.ipv4PrefixLength ?? 0,
    IPv6Gateway: endpoint?.ipv6Gateway ?? "",
    GlobalIPv6Address: endpoint?.ipv6 ?? "",
    GlobalIPv6PrefixLen: endpoint?.ipv6PrefixLength ?? 0,
  };
  if (version >= 44) document.DNSNames = place.dnsNames === undefined ? null : [...place.dnsNames];
  if (version >= 48) document.GwPriority = settings.GwPriority ?? 0;
  return document;
}

function ipamConfig(given: ContainerEndpoint["settings"]["IPAMConfig"]): EndpointDocument["IPAMConfig"] {
  if (given === null || given === undefined) return null;
  const { IPv4Address: ipv4 = "", IPv6Address: ipv6 = "", LinkLocalIPs: linkLocal } = given;
  return {
    ...(ipv4 === null || ipv4 === "" ? {} : { IPv4Address: ipv4 }),
    ...(ipv6 === null || ipv6 === "" ? {} : { IPv6Address: ipv6 }),
    ...(linkLocal === null || linkLocal === undefined || linkLocal.length === 0
      ? {}
      : { LinkLocalIPs: [...linkLocal] }),
  };
}

function exposedPorts(container: ContainerView): string[] {
  const { ExposedPorts: exposed } = container.config;
  const { PortBindings: bindings } = container.hostConfig;
  return [...new Set([...Object.keys(exposed ?? {}), ...Object.keys(bindings ?? {})])];
}

/** The list's `Ports`; empty when stopped. */
export function portSummaries(container: ContainerView): PortSummary[] {
  if (!container.state.running || container.networks.length === 0) return [];
  // A port of a routed network takes none of the host's.
  const summaries: PortSummary[] = container.ports.map((port) => ({
    ...(port.hostPort === 0 ? {} : { IP: port.hostIp }),
    PrivatePort: port.containerPort,
    ...(port.hostPort === 0 ? {} : { PublicPort: port.hostPort }),
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
    (map[key] ??= []).push({
      HostIp: port.hostIp,
      HostPort: port.hostPort === 0 ? "" : String(port.hostPort),
    });
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
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? "",
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? "",
    MacAddress: bridge?.MacAddress ?? "",
    Networks: networks,
  };
}
