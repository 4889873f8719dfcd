import { parseBridgeOptions } from "./bridge/options.ts";
import { errors } from "./errors.ts";
import {
  containsAddress,
  formatSubnet,
  type Ipv4,
  networkOf,
  parseCidr,
  parseIpv4,
  sizeOf,
  type Subnet,
} from "./ipam/ipv4.ts";

/** What a person asked of a new network, as text. */
export type AddressRequest = {
  readonly subnet?: string | undefined;
  readonly gateway?: string | undefined;
  readonly ipRange?: string | undefined;
};

/** The same, checked. */
export type AddressPlan = {
  readonly subnet: Subnet | undefined;
  readonly gateway: Ipv4 | undefined;
  readonly range: Subnet | undefined;
};

/** Checks name, driver and driver options of a new network. */
export function checkNetworkRequest(request: {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}): void {
  if (["bridge", "host", "none", "default"].includes(request.name)) throw errors["network-predefined"](request.name);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(request.name)) throw errors["network-invalid-name"](request.name);
  if (request.driver === "host" || request.driver === "null") throw errors["network-single-instance"](request.driver);
  if (request.driver !== "bridge" && request.driver !== "") throw errors["network-driver-not-found"](request.driver);
  parseBridgeOptions(request.options);
}

/** Checks subnet, gateway and range of a new network. */
export function parseAddressRequest(request: AddressRequest): AddressPlan {
  const subnet = request.subnet === undefined ? undefined : parseNetwork(request.subnet);
  const range = request.ipRange === undefined ? undefined : parseRange(request.ipRange, subnet);
  return { subnet, range, gateway: request.gateway === undefined ? undefined : parseGateway(request.gateway, subnet) };
}

function parseNetwork(text: string): Subnet {
  const subnet = parseCidr(text);
  if (subnet === undefined) throw errors["network-invalid-subnet"](text, "it is not an IPv4 network in CIDR form");
  const network = networkOf(subnet);
  if (network.address !== subnet.address) {
    throw errors["network-invalid-subnet"](text, `it should be ${formatSubnet(network)}`);
  }
  if (sizeOf(subnet.prefixLength) < 4) throw errors["network-invalid-subnet"](text, "it has no room for a container");
  if (subnet.prefixLength < 8) throw errors["network-invalid-subnet"](text, "it is larger than /8");
  return subnet;
}

function parseRange(text: string, subnet: Subnet | undefined): Subnet {
  const range = parseCidr(text);
  if (range === undefined) throw errors["network-invalid-address"]("ip-range", text, "it is not in CIDR form");
  if (subnet === undefined || range.prefixLength < subnet.prefixLength || !containsAddress(subnet, range.address)) {
    throw errors["network-invalid-address"]("ip-range", text, `no matching subnet for range ${text}`);
  }
  return networkOf(range);
}

function parseGateway(text: string, subnet: Subnet | undefined): Ipv4 {
  const gateway = parseIpv4(text);
  if (gateway === undefined) throw errors["network-invalid-address"]("gateway", text, "it is not an IPv4 address");
  if (subnet === undefined || !containsAddress(subnet, gateway)) {
    throw errors["network-invalid-address"]("gateway", text, `no matching subnet for gateway ${text}`);
  }
  const last = subnet.address + sizeOf(subnet.prefixLength) - 1;
  if (gateway === subnet.address || gateway === last) {
    throw errors["network-invalid-address"]("gateway", text, "it is the network or broadcast address");
  }
  return gateway;
}
