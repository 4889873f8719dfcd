import { newId, shortId } from "#base";
import type { NetworkEndpointRow, NetworkPortRow } from "#db";
import { randomMacAddress } from "./bridge/bridge-device.ts";
import type { Endpoint, JoinRequest, PublishedPort } from "./contract.ts";
import { type EndpointOptions, parseEndpointOptions, sysctlsOf } from "./endpoint-options.ts";
import { errors } from "./errors.ts";
import type { FirewallPort } from "./firewall/ruleset.ts";
import { hostInterfaceOf } from "./instance-names.ts";
import {
  bitsOf,
  type Family,
  formatIp,
  type IpAddress,
  macAddressOf,
  parseIp,
  type Subnet,
} from "./ipam/ip-address.ts";
import { checkedMacAddress, checkFixedAddress, fixedAddress, linkLocalAddresses } from "./join-check.ts";
import { type AllocatedPort, isTranslated, type PortTarget } from "./ports/port-allocator.ts";
import type { InterfacePlan, RoutePlan } from "./sandbox-namespace.ts";
import { gatewayOf, leadsOut, type WorkingNetwork } from "./working-network.ts";

/** An endpoint that is there, with its network. */
export type HeldEndpoint = { readonly network: WorkingNetwork; readonly row: NetworkEndpointRow };

/** An endpoint to be made: the network, and the row that is written first. */
export type PlannedEndpoint = HeldEndpoint & {
  readonly options: EndpointOptions;
  readonly linkLocal: readonly Subnet[];
};

/** What a row keeps of a request, for the name server and for later changes. */
export type EndpointSettings = {
  readonly names: readonly string[];
  readonly links: Readonly<Record<string, string>>;
  readonly gatewayPriority: number;
};

export function settingsOf(row: NetworkEndpointRow): EndpointSettings {
  const { names = [], links = {}, gatewayPriority = 0 } = JSON.parse(row.settings) as Partial<EndpointSettings>;
  return { names, links, gatewayPriority };
}

/** Takes addresses on a network and names everything. `onTaken` is called after each address, so that the caller can give it back. */
export function planEndpoint(options: {
  readonly containerId: string;
  readonly containerName: string | undefined;
  readonly network: WorkingNetwork;
  readonly join: JoinRequest;
  readonly isDefault: boolean;
  /** The container's other interfaces. */
  readonly others: readonly NetworkEndpointRow[];
  readonly onTaken: (address: IpAddress) => void;
}): PlannedEndpoint {
  const { containerId, network, join, others } = options;
  const endpointOptions = parseEndpointOptions(join.driverOptions ?? {});
  const linkLocal = linkLocalAddresses(join);
  const take = (family: Family): IpAddress | undefined => {
    const address = takeAddress(network, fixedAddress(join, family), family, options.isDefault);
    if (address !== undefined) options.onTaken(address);
    return address;
  };
  const macAddress = checkedMacAddress(join.macAddress);
  const ipv4 = take(4);
  const ipv6 = take(6);
  const endpointId = newId();
  const settings: EndpointSettings = {
    names: join.names ?? [],
    links: join.links ?? {},
    gatewayPriority: join.gatewayPriority ?? 0,
  };
  const row: NetworkEndpointRow = {
    endpoint_id: endpointId,
    container_id: containerId,
    container_name: options.containerName ?? shortId(containerId),
    network_id: network.record.id,
    position: Math.max(-1, ...others.map((other) => other.position)) + 1,
    interface_name: interfaceNameFor(network, endpointOptions, others),
    host_interface: network.driver === "bridge" ? hostInterfaceOf(endpointId) : "",
    mac_address: macAddress ?? (ipv4 === undefined ? randomMacAddress() : macAddressOf(ipv4)),
    ipv4: ipv4 === undefined ? null : formatIp(ipv4),
    ipv6: ipv6 === undefined ? null : formatIp(ipv6),
    settings: JSON.stringify(settings),
  };
  return { network, row, options: endpointOptions, linkLocal };
}

function takeAddress(
  network: WorkingNetwork,
  asked: IpAddress | undefined,
  family: Family,
  isDefault: boolean,
): IpAddress | undefined {
  if (asked !== undefined) {
    if (!checkFixedAddress(network, asked, isDefault)) return undefined;
    if (!network.pools.take(asked)) throw errors["network-address-in-use"]();
    return asked;
  }
  const pools = network.pools.of(family);
  if (pools.length === 0) return undefined;
  const address = network.pools.allocate(family);
  if (address !== undefined) return address;
  const subnets = network.record.pools
    .map(({ subnet }) => subnet)
    .filter((text) => text.includes(":") === (family === 6));
  throw family === 4
    ? errors["network-addresses-exhausted"](network.record.name, subnets.join(", "))
    : errors["network-ipv6-addresses-exhausted"](network.record.name, subnets.join(", "));
}

function interfaceNameFor(
  network: WorkingNetwork,
  options: EndpointOptions,
  others: readonly NetworkEndpointRow[],
): string {
  const used = new Set(others.map((other) => other.interface_name));
  const asked = options.interfaceName;
  if (asked !== undefined) {
    if (used.has(asked)) throw errors["network-invalid-endpoint"](`interface name ${asked} is already in use`);
    return asked;
  }
  for (let number = 0; ; number++) {
    const name = `${network.options.interfacePrefix}${number}`;
    if (!used.has(name)) return name;
  }
}

/**
 * The endpoint that leads out in a family, and that ports are published on: the one with the highest priority among
 * those that lead anywhere, among equals the first by its network's name.
 */
export function outwardEndpoint<Each extends HeldEndpoint>(
  endpoints: readonly Each[],
  family: Family,
): Each | undefined {
  const [first] = endpoints
    .filter(({ network, row }) => addressOf(row, family) !== undefined && leadsOut(network, family))
    .map((endpoint) => ({ endpoint, priority: settingsOf(endpoint.row).gatewayPriority }))
    .toSorted(
      (one, other) =>
        other.priority - one.priority ||
        (one.endpoint.network.record.name < other.endpoint.network.record.name ? -1 : 1),
    );
  return first?.endpoint;
}

/** The ways out of a container on these networks. */
export function routesOf(endpoints: readonly HeldEndpoint[]): readonly RoutePlan[] {
  return ([4, 6] as const).flatMap((family): readonly RoutePlan[] => {
    const outward = outwardEndpoint(endpoints, family);
    const address = outward === undefined ? undefined : addressOf(outward.row, family);
    if (outward === undefined || address === undefined) return [];
    const { network } = outward;
    // In its layer 3 modes an ipvlan interface has no neighbours, the gateway included: all goes to the interface.
    const isLayer3 =
      network.driver === "ipvlan" && network.options.driver === "ipvlan" && network.options.mode !== "l2";
    const gateway = isLayer3 ? undefined : gatewayOf(network, address);
    if (gateway === undefined && !isLayer3) return [];
    return [{ family, interfaceName: outward.row.interface_name, gateway }];
  });
}

/** Where published ports lead: to the outward endpoints, when those are on bridges. */
export function portTargetsOf(endpoints: readonly HeldEndpoint[]): readonly PortTarget[] {
  return ([4, 6] as const).flatMap((family): readonly PortTarget[] => {
    const outward = outwardEndpoint(endpoints, family);
    const address = outward === undefined ? undefined : addressOf(outward.row, family);
    if (outward === undefined || address === undefined || outward.network.driver !== "bridge") return [];
    const isRouted = outward.network.options.gatewayMode[family] === "routed";
    return [{ family, containerIp: formatIp(address), isRouted }];
  });
}

/** An endpoint's address in a family. */
export function addressOf(row: NetworkEndpointRow, family: Family): IpAddress | undefined {
  const text = family === 4 ? row.ipv4 : row.ipv6;
  return text === null ? undefined : parseIp(text);
}

/** Every address an endpoint holds. */
export function addressesOf(row: NetworkEndpointRow): readonly IpAddress[] {
  return ([4, 6] as const).flatMap((family) => addressOf(row, family) ?? []);
}

/** What the kernel is to make of an endpoint. */
export function interfacePlanOf(
  { network, row, options, linkLocal }: PlannedEndpoint,
  host: { readonly mtu: number; readonly hairpin: boolean },
): InterfacePlan {
  const addresses = addressesOf(row).map((address): Subnet => {
    const prefixLength = network.pools.containing(address)?.subnet.prefixLength ?? bitsOf(address.family);
    return { ...address, prefixLength };
  });
  return {
    name: row.interface_name,
    macAddress: row.mac_address,
    addresses: [...addresses, ...linkLocal],
    mtu: network.options.mtu ?? (network.driver === "bridge" ? host.mtu : undefined),
    ipv6: row.ipv6 !== null || linkLocal.some(({ family }) => family === 6),
    sysctls: sysctlsOf(options, row.interface_name),
    attachment:
      network.driver === "bridge"
        ? {
            kind: "bridge",
            hostInterface: row.host_interface,
            bridgeIndex: network.index ?? 0,
            hairpin: host.hairpin,
            isolated: !network.options.interContainer,
          }
        : { kind: "lan", parentIndex: network.index ?? 0, options: network.options },
  };
}

/** An endpoint as others see it. */
export function endpointOf({ row, network }: HeldEndpoint): Endpoint {
  const side = (family: Family) => {
    const address = addressOf(row, family);
    const gateway = address === undefined ? undefined : gatewayOf(network, address);
    return {
      address: address === undefined ? "" : formatIp(address),
      prefixLength: address === undefined ? 0 : (network.pools.containing(address)?.subnet.prefixLength ?? 0),
      gateway: gateway === undefined ? "" : formatIp(gateway),
    };
  };
  const four = side(4);
  const six = side(6);
  return {
    networkId: network.record.id,
    networkName: network.record.name,
    endpointId: row.endpoint_id,
    interfaceName: row.interface_name,
    hostInterface: row.host_interface,
    macAddress: row.mac_address,
    ipv4: four.address,
    ipv4PrefixLength: four.prefixLength,
    gateway: four.gateway,
    ipv6: six.address,
    ipv6PrefixLength: six.prefixLength,
    ipv6Gateway: six.gateway,
  };
}

/** A published port as a row. */
export function portRowOf(containerId: string, port: AllocatedPort): NetworkPortRow {
  return {
    protocol: port.protocol,
    host_ip: port.hostIp,
    host_port: port.hostPort,
    container_id: containerId,
    container_ip: port.containerIp,
    container_port: port.containerPort,
  };
}

function protocolOf(row: NetworkPortRow): PublishedPort["protocol"] {
  return row.protocol === "udp" ? "udp" : row.protocol === "sctp" ? "sctp" : "tcp";
}

/** A row as a published port. */
export function publishedPortOf(row: NetworkPortRow): PublishedPort {
  return {
    containerPort: row.container_port,
    protocol: protocolOf(row),
    hostIp: row.host_ip,
    hostPort: row.host_port,
  };
}

/** A row as the allocator knows it. */
export function allocatedPortOf(row: NetworkPortRow): AllocatedPort {
  return { ...publishedPortOf(row), containerIp: row.container_ip };
}

/** What the firewall does for rows: those that the forwarder alone serves are none of its business. */
export function firewallPortsOf(rows: readonly NetworkPortRow[]): readonly FirewallPort[] {
  return rows.map(allocatedPortOf).filter(isTranslated);
}
