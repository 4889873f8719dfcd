import type { NetworkRecord } from "../contract.ts";
import type { FirewallBridge } from "../firewall/ruleset.ts";
import { type AddressPoolState, createAddressPool } from "../ipam/address-pool.ts";
import { type Ipv4, parseCidr, parseIpv4, type Subnet } from "../ipam/ipv4.ts";
import type { BridgeDevice } from "./bridge-device.ts";
import { type BridgeOptions, parseBridgeOptions } from "./options.ts";

/** A bridge network at work: its record with everything parsed, and its addresses. */
export type BridgeNetwork = {
  readonly record: NetworkRecord;
  /** A person chose the subnet, so addresses may be asked for. */
  readonly subnetGiven: boolean;
  readonly bridgeName: string;
  readonly subnet: Subnet;
  readonly gateway: Ipv4;
  readonly options: BridgeOptions;
  readonly addresses: AddressPoolState;
  /** Interface index once the bridge is known to be there. */
  index: number | undefined;
};

/** Parses a record that was checked when it was made. */
export function bridgeNetworkOf(record: NetworkRecord, subnetGiven: boolean): BridgeNetwork {
  const subnet = parseCidr(record.subnet ?? "");
  const gateway = parseIpv4(record.gateway ?? "");
  if (subnet === undefined || gateway === undefined || record.bridgeName === undefined) {
    throw new Error(`network ${record.name} in the database has no valid subnet, gateway or bridge`);
  }
  const range = record.ipRange === undefined ? undefined : parseCidr(record.ipRange);
  return {
    record,
    subnetGiven,
    bridgeName: record.bridgeName,
    subnet,
    gateway,
    options: parseBridgeOptions(record.options),
    addresses: createAddressPool({ subnet, range, reserved: [gateway] }),
    index: undefined,
  };
}

/** The bridge interface a network needs. */
export function deviceOf(network: BridgeNetwork, hostMtu: number): BridgeDevice {
  return {
    name: network.bridgeName,
    gateway: { address: network.gateway, prefixLength: network.subnet.prefixLength },
    mtu: network.options.mtu ?? hostMtu,
  };
}

/** What the firewall needs to know of a network. */
export function firewallBridgeOf(network: BridgeNetwork): FirewallBridge {
  return {
    name: network.bridgeName,
    subnet: network.record.subnet ?? "",
    internal: network.record.internal,
    masquerade: network.options.masquerade,
    interContainer: network.options.interContainer,
  };
}
