import { newId, shortId } from "#base";
import type { NetworkEndpointRow, NetworkPortRow } from "#db";
import type { BridgeNetwork } from "./bridge/bridge-network.ts";
import type { InterfacePlan } from "./bridge/sandbox-namespace.ts";
import type { Endpoint, PublishedPort, SandboxRequest } from "./contract.ts";
import { errors } from "./errors.ts";
import type { FirewallPort } from "./firewall/ruleset.ts";
import { hostInterfaceOf } from "./instance-names.ts";
import { formatIpv4, type Ipv4, macAddressOf, parseIpv4 } from "./ipam/ipv4.ts";

/** An endpoint to be made: the network, and the row that is written first. */
export type PlannedEndpoint = { readonly network: BridgeNetwork; readonly row: NetworkEndpointRow };

type RequestedNetwork = SandboxRequest["networks"][number];

/** Takes an address for each network and names everything. `onTaken` is called after each address, so that the caller can give it back. */
export function planEndpoints(
  request: SandboxRequest,
  networks: readonly { readonly network: BridgeNetwork; readonly asked: RequestedNetwork }[],
  isDefault: (network: BridgeNetwork) => boolean,
  onTaken: (network: BridgeNetwork, address: Ipv4) => void,
): readonly PlannedEndpoint[] {
  return networks.map(({ network, asked }, position) => {
    const address = takeAddress(network, asked.ipv4, isDefault(network));
    onTaken(network, address);
    const endpointId = newId();
    const row: NetworkEndpointRow = {
      endpoint_id: endpointId,
      container_id: request.containerId,
      container_name: request.containerName ?? shortId(request.containerId),
      network_id: network.record.id,
      position,
      interface_name: `${network.options.interfacePrefix}${position}`,
      host_interface: hostInterfaceOf(endpointId),
      mac_address: checkedMacAddress(asked.macAddress) ?? macAddressOf(address),
      ipv4: formatIpv4(address),
    };
    return { network, row };
  });
}

function takeAddress(network: BridgeNetwork, asked: string | undefined, isDefault: boolean): Ipv4 {
  if (asked === undefined || asked === "") {
    const address = network.addresses.allocate();
    if (address === undefined) {
      throw errors["network-addresses-exhausted"](network.record.name, network.record.subnet ?? "");
    }
    return address;
  }
  if (isDefault) throw errors["network-address-not-allowed"]("default bridge");
  if (!network.subnetGiven) throw errors["network-address-not-allowed"]("automatic subnet");
  const address = parseIpv4(asked);
  if (address === undefined)
    throw errors["network-invalid-address"]("IPv4 address", asked, "it is not an IPv4 address");
  if (!network.addresses.isUsable(address) && address !== network.gateway)
    throw errors["network-address-outside"](asked);
  if (!network.addresses.take(address)) throw errors["network-address-in-use"]();
  return address;
}

function checkedMacAddress(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) {
    throw errors["network-invalid-address"]("MAC address", text, "it is not six bytes in hexadecimal");
  }
  // The lowest bit of the first byte marks a group address, which no interface can have.
  if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1) {
    throw errors["network-invalid-address"]("MAC address", text, "it is a multicast address");
  }
  return mac;
}

/** The endpoint that leads out and that ports are published on: the first whose network is not internal. */
export function outwardEndpoint(endpoints: readonly PlannedEndpoint[]): PlannedEndpoint | undefined {
  return endpoints.find(({ network }) => !network.record.internal);
}

/** What the kernel is to make of an endpoint. */
export function interfacePlanOf(
  { network, row }: PlannedEndpoint,
  options: { readonly index: number; readonly mtu: number; readonly leadsOut: boolean; readonly publishes: boolean },
): InterfacePlan {
  return {
    name: row.interface_name,
    hostInterface: row.host_interface,
    bridgeIndex: options.index,
    macAddress: row.mac_address,
    address: parseIpv4(row.ipv4) ?? 0,
    prefixLength: network.subnet.prefixLength,
    gateway: options.leadsOut ? network.gateway : undefined,
    mtu: network.options.mtu ?? options.mtu,
    hairpin: options.publishes,
    isolated: !network.options.interContainer,
  };
}

/** An endpoint as others see it. */
export function endpointOf(row: NetworkEndpointRow, network: BridgeNetwork): Endpoint {
  return {
    networkId: network.record.id,
    networkName: network.record.name,
    endpointId: row.endpoint_id,
    interfaceName: row.interface_name,
    hostInterface: row.host_interface,
    macAddress: row.mac_address,
    ipv4: row.ipv4,
    ipv4PrefixLength: network.subnet.prefixLength,
    gateway: network.record.internal ? "" : formatIpv4(network.gateway),
  };
}

/** A published port as a row. */
export function portRowOf(containerId: string, containerIp: string, port: PublishedPort): NetworkPortRow {
  return {
    protocol: port.protocol,
    host_ip: port.hostIp,
    host_port: port.hostPort,
    container_id: containerId,
    container_ip: containerIp,
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

/** A row as the firewall sees it. */
export function firewallPortOf(row: NetworkPortRow): FirewallPort {
  return {
    protocol: protocolOf(row),
    hostIp: row.host_ip,
    hostPort: row.host_port,
    containerIp: row.container_ip,
    containerPort: row.container_port,
  };
}
