import type { BridgeDevice } from "./bridge/bridge-device.ts";
import { type BridgeOptions, parseBridgeOptions } from "./bridge/options.ts";
import type { NetworkRecord } from "./contract.ts";
import type { FirewallBridge } from "./firewall/ruleset.ts";
import { formatSubnet, type Family, type IpAddress, type Subnet } from "./ipam/ip-address.ts";
import { type NetworkPools, networkPoolsOf } from "./ipam/network-pools.ts";
import { type LanOptions, parseLanOptions } from "./lan/options.ts";
import { type ParentInterface } from "./lan/parent-interface.ts";

type Working = {
  readonly record: NetworkRecord;
  readonly pools: NetworkPools;
  /** Index of the bridge or the parent interface once it is known to be there. */
  index: number | undefined;
};

/** A bridge network at work: its record with everything parsed, and its addresses. */
export type BridgeNetwork = Working & {
  readonly driver: "bridge";
  readonly bridgeName: string;
  readonly options: BridgeOptions;
};

/** A macvlan or ipvlan network at work: its containers are hosts of the network their parent interface is on. */
export type LanNetwork = Working & {
  readonly driver: "macvlan" | "ipvlan";
  readonly parent: ParentInterface;
  readonly options: LanOptions;
};

/** A network that gives containers interfaces. */
export type WorkingNetwork = BridgeNetwork | LanNetwork;

/** Parses a record that was checked when it was made; undefined for one without interfaces of its own. */
export function workingNetworkOf(record: NetworkRecord): WorkingNetwork | undefined {
  if (record.configOnly || record.driver === "host" || record.driver === "null") return undefined;
  const used = record.pools.filter(({ subnet }) => (subnet.includes(":") ? record.enableIpv6 : record.enableIpv4));
  const working = { record, pools: networkPoolsOf(record.name, used), index: undefined };
  if (record.driver === "bridge") {
    if (record.bridgeName === undefined) throw new Error(`network ${record.name} in the database has no bridge`);
    const options = parseBridgeOptions(record.options, record.internal);
    return { ...working, driver: "bridge", bridgeName: record.bridgeName, options };
  }
  const options = parseLanOptions(record.driver, record.options);
  const parent = { name: record.bridgeName ?? options.parent, own: record.bridgeName !== undefined };
  return { ...working, driver: record.driver, parent, options };
}

/** The network's address in a family that containers leave by; undefined when they do not. */
export function gatewayOf(network: WorkingNetwork, address: IpAddress): IpAddress | undefined {
  const pool = leadsOut(network, address.family) ? network.pools.containing(address) : undefined;
  return pool?.wayOut ?? pool?.gateway;
}

/** Whether containers reach other networks by this one. */
export function leadsOut(network: WorkingNetwork, family: Family): boolean {
  if (network.record.internal) return false;
  if (network.driver === "bridge") return network.pools.of(family).length > 0;
  return network.options.parent !== "" && network.pools.of(family).length > 0;
}

/** The bridge interface a network needs. */
export function deviceOf(
  network: BridgeNetwork,
  {
    hostMtu,
    forwards,
    isDefault,
  }: { readonly hostMtu: number; readonly forwards: boolean; readonly isDefault: boolean },
): BridgeDevice {
  const { gatewayMode, inhibitIpv4, mtu } = network.options;
  const addresses = network.pools.all.flatMap(({ subnet, gateway }): Subnet[] => {
    const { family } = subnet;
    if (gateway === undefined || gatewayMode[family] === "isolated" || (family === 4 && inhibitIpv4)) return [];
    return [{ ...gateway, prefixLength: subnet.prefixLength }];
  });
  return {
    name: network.bridgeName,
    addresses,
    ipv6: network.record.enableIpv6,
    // Other networks have no links of this kind.
    leadsBetweenPorts: isDefault && !network.options.interContainer,
    forwards,
    mtu: mtu ?? hostMtu,
  };
}

/** What the firewall needs to know of a network. */
export function firewallBridgeOf(network: BridgeNetwork): FirewallBridge {
  const { options } = network;
  const side = (family: Family): FirewallBridge[4] => ({
    subnets: network.pools.of(family).map(({ subnet }) => formatSubnet(subnet)),
    // Whoever routes the containers' addresses wants to see them.
    masquerade: options.masquerade && options.gatewayMode[family] !== "routed",
    unprotected: options.gatewayMode[family] === "nat-unprotected",
    hostAddress: options.hostAddress[family],
  });
  return {
    name: network.bridgeName,
    internal: network.record.internal,
    interContainer: options.interContainer,
    4: side(4),
    6: side(6),
  };
}
