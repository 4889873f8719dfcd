import { gatewayNames } from "../bridge/default-bridge.ts";
import type { NetworkPool } from "../contract.ts";
import { type AddressPoolState, createAddressPool } from "./address-pool.ts";
import { containsAddress, type Family, type IpAddress, parseCidr, parseIp, type Subnet } from "./ip-address.ts";

/** One subnet of a network at work. */
export type WorkingPool = {
  readonly subnet: Subnet;
  /** Undefined for an IPv6 or LAN network without one. */
  readonly gateway: IpAddress | undefined;
  /** By which containers leave, where that is not the gateway (Docker's auxiliary address DefaultGatewayIPv4). */
  readonly wayOut: IpAddress | undefined;
  /** A person chose the subnet, so addresses may be asked for. */
  readonly given: boolean;
  readonly addresses: AddressPoolState;
};

/** The address space of one network: any number of subnets of both families. */
export type NetworkPools = {
  readonly all: readonly WorkingPool[];
  of(family: Family): readonly WorkingPool[];
  /** From the first subnet of the family that has a free address; undefined when all are full or there is none. */
  allocate(family: Family): IpAddress | undefined;
  /** The subnet an address lies in. */
  containing(address: IpAddress): WorkingPool | undefined;
  /** Takes a certain address; false when it is taken or outside. */
  take(address: IpAddress): boolean;
  /** Idempotent. */
  release(address: IpAddress): void;
};

/** Parses pools that were checked when the network was made. */
export function networkPoolsOf(networkName: string, pools: readonly NetworkPool[]): NetworkPools {
  const all = pools.map((pool): WorkingPool => {
    const subnet = parseCidr(pool.subnet);
    const gateway = pool.gateway === undefined ? undefined : parseIp(pool.gateway);
    if (subnet === undefined || (pool.gateway !== undefined && gateway === undefined)) {
      throw new Error(`network ${networkName} in the database has an invalid subnet or gateway`);
    }
    const range = pool.ipRange === undefined ? undefined : parseCidr(pool.ipRange);
    const auxiliary = Object.values(pool.auxiliaryAddresses ?? {}).flatMap((text) => parseIp(text) ?? []);
    const reserved = gateway === undefined ? auxiliary : [gateway, ...auxiliary];
    const wayOut = parseIp(pool.auxiliaryAddresses?.[gatewayNames[subnet.family]] ?? "");
    return { subnet, gateway, wayOut, given: pool.given, addresses: createAddressPool({ subnet, range, reserved }) };
  });
  const containing = (address: IpAddress): WorkingPool | undefined =>
    all.find((pool) => containsAddress(pool.subnet, address));
  return {
    all,
    of: (family) => all.filter(({ subnet }) => subnet.family === family),
    allocate: (family) => {
      for (const pool of all) {
        const address = pool.subnet.family === family ? pool.addresses.allocate() : undefined;
        if (address !== undefined) return address;
      }
      return undefined;
    },
    containing,
    take: (address) => containing(address)?.addresses.take(address) ?? false,
    release: (address) => containing(address)?.addresses.release(address),
  };
}
