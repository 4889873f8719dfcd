import type { JoinRequest } from "./contract.ts";
import { parseEndpointOptions } from "./endpoint-options.ts";
import { errors } from "./errors.ts";
import {
  containsAddress,
  type Family,
  formatIp,
  type IpAddress,
  parseCidr,
  parseIp,
  type Subnet,
} from "./ipam/ip-address.ts";
import type { WorkingNetwork } from "./working-network.ts";

/** Checks what is asked of a place on a network, without the network: it may not be there yet. */
export function checkJoinAlone(join: JoinRequest): void {
  fixedAddress(join, 4);
  fixedAddress(join, 6);
  linkLocalAddresses(join);
  checkedMacAddress(join.macAddress);
  parseEndpointOptions(join.driverOptions ?? {});
}

/** The address of a family that is asked for; throws when it is none. */
export function fixedAddress(join: JoinRequest, family: Family): IpAddress | undefined {
  const text = family === 4 ? join.ipv4 : join.ipv6;
  if (text === undefined || text === "") return undefined;
  const address = parseIp(text);
  if (address?.family !== family || address.value === 0n) {
    throw errors["network-invalid-endpoint"](`invalid IPv${family} address: ${text}`);
  }
  return address;
}

/**
 * Checks an address against the network it is asked on (moby `validateEndpointIPAddress`). Whether it is to be taken: a
 * family that the network was given a subnet of but does not have takes none, and Docker says nothing.
 */
export function checkFixedAddress(network: WorkingNetwork, address: IpAddress, isDefault: boolean): boolean {
  if (isDefault) throw errors["network-address-not-allowed"]("default bridge");
  const given = givenSubnets(network, address.family);
  if (given.length === 0) throw errors["network-address-not-allowed"]("automatic subnet");
  const text = address.family === 4 ? "IPv4" : "IPv6";
  if (!given.some((subnet) => containsAddress(subnet, address))) {
    throw errors["network-address-outside"](formatIp(address));
  }
  if (network.pools.of(address.family).length === 0) return false;
  const pool = network.pools.containing(address);
  // Taken by the network itself: its gateway, or reserved.
  if (pool?.addresses.isUsable(address) !== true && !isReserved(network, address)) {
    throw errors["network-invalid-endpoint"](`${text} address ${formatIp(address)} is the network's own`);
  }
  return true;
}

function givenSubnets(network: WorkingNetwork, family: Family): readonly Subnet[] {
  return network.record.pools.flatMap(({ given, subnet }) => {
    const parsed = given ? parseCidr(subnet) : undefined;
    return parsed?.family === family ? [parsed] : [];
  });
}

function isReserved(network: WorkingNetwork, address: IpAddress): boolean {
  const pool = network.pools.containing(address);
  const reserved = network.record.pools.flatMap((each) => [
    each.gateway ?? "",
    ...Object.values(each.auxiliaryAddresses ?? {}),
  ]);
  return pool !== undefined && reserved.some((text) => parseIp(text)?.value === address.value);
}

const linkLocalSubnets = [parseCidr("169.254.0.0/16"), parseCidr("fe80::/64")].flatMap((subnet) => subnet ?? []);

/** Addresses of the link, each with the prefix of its kind (RFC 3927, RFC 4291). */
export function linkLocalAddresses(join: JoinRequest): readonly Subnet[] {
  return (join.linkLocalAddresses ?? []).map((text) => {
    const address = parseIp(text);
    const subnet = address === undefined ? undefined : linkLocalSubnets.find((each) => containsAddress(each, address));
    if (address === undefined || subnet === undefined) {
      throw errors["network-invalid-endpoint"](`invalid link-local IP address: ${text}`);
    }
    return { ...address, prefixLength: subnet.prefixLength };
  });
}

/** A MAC address in the kernel's form; undefined when none is asked for. */
export function checkedMacAddress(text: string | undefined): string | undefined {
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
