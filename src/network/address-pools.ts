import { errors } from "./errors.ts";
import { bitsOf, formatSubnet, networkOf, parseCidr, parseIp } from "./ipam/ip-address.ts";
import type { AddressPool } from "./ipam/subnet-choice.ts";

/** Reads a pool as the daemon's option has it: "10.0.0.0/8" cut into networks with a prefix of 24. Throws invalid. */
export function parseAddressPool(base: string, size: number): AddressPool {
  const subnet = parseCidr(base);
  if (subnet === undefined || networkOf(subnet).value !== subnet.value) {
    const should = subnet === undefined ? "" : `, it should be ${formatSubnet(networkOf(subnet))}`;
    throw errors["network-invalid-address"]("address pool", base, `it is not a network in CIDR form${should}`);
  }
  // Two bits at least: network, gateway, a container, broadcast. 2^24 networks of one pool are enough to look through.
  const isRoom = Number.isInteger(size) && size >= subnet.prefixLength && size <= bitsOf(subnet.family) - 2;
  if (!isRoom || size - subnet.prefixLength > 24) {
    throw errors["network-invalid-address"]("address pool", base, `networks of size ${size} do not fit into it`);
  }
  return { base: subnet, prefixLength: size };
}

/** Checks the host address of ports that are published without one. Throws invalid. */
export function checkHostAddress(address: string): string {
  if (parseIp(address)?.family !== 4) {
    throw errors["network-invalid-address"]("host address of published ports", address, "it is not an IPv4 address");
  }
  return address;
}
