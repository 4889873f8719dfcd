import type { NetworkPool } from "../contract.ts";
import { errors } from "../errors.ts";
import {
  addressAt,
  containsAddress,
  type Family,
  formatIp,
  formatSubnet,
  networkOf,
  parseCidr,
  parseIp,
  sameAddress,
  type Subnet,
} from "../ipam/ip-address.ts";

/** What the daemon's flags say about the default bridge. */
export type DefaultBridgeSettings = {
  /** Its address with prefix ("172.20.0.1/16"). @default the first of the pools that is free */
  readonly address?: string | undefined;
  /** Its IPv6 address with prefix, where it has IPv6. */
  readonly address6?: string | undefined;
  /** It has IPv6 too. @default false */
  readonly ipv6?: boolean | undefined;
  /** Where containers' addresses come from within the subnet; without `address` the subnet itself. */
  readonly range?: string | undefined;
  readonly range6?: string | undefined;
  /** By which containers leave. @default the bridge */
  readonly gateway?: string | undefined;
  readonly gateway6?: string | undefined;
  /** Containers reach each other. @default true */
  readonly interContainer?: boolean | undefined;
  /** @default true */
  readonly masquerade?: boolean | undefined;
};

/** Docker's names of addresses by which containers leave instead of by the bridge. */
export const gatewayNames = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

function invalid(what: string, text: string, expected: string): Error {
  return errors["network-invalid-address"](what, text, expected);
}

function subnetOf(what: string, text: string, family: Family): Subnet {
  const subnet = parseCidr(text);
  if (subnet?.family !== family) throw invalid(what, text, `expected an IPv${family} subnet`);
  return networkOf(subnet);
}

/** A family's subnet as the flags want it; undefined when they leave it open. Throws invalid for what cannot be. */
function settledPool(settings: DefaultBridgeSettings, family: Family): NetworkPool | undefined {
  const of = family === 4 ? "" : "6";
  const {
    [`address${of}` as const]: address,
    [`range${of}` as const]: rangeText,
    [`gateway${of}` as const]: way,
  } = settings;
  if (address === undefined && rangeText === undefined && way === undefined) return undefined;
  const own = address === undefined ? undefined : parseCidr(address);
  if (address !== undefined && (own?.family !== family || sameAddress(networkOf(own), own))) {
    const example = family === 4 ? "172.20.0.1/16" : "fd00:20::1/64";
    throw invalid("bridge address", address, `expected an address of the bridge with its prefix, like ${example}`);
  }
  const range = rangeText === undefined ? undefined : subnetOf("range", rangeText, family);
  const subnet = own === undefined ? range : networkOf(own);
  if (subnet === undefined)
    throw invalid("default gateway", way ?? "", "it needs the bridge's subnet: give its address too");
  if (range !== undefined && (!containsAddress(subnet, range) || range.prefixLength < subnet.prefixLength)) {
    throw invalid("range", rangeText ?? "", `expected a part of ${formatSubnet(subnet)}`);
  }
  const gateway = way === undefined ? undefined : parseIp(way);
  if (way !== undefined && (gateway === undefined || !containsAddress(subnet, gateway))) {
    throw invalid("default gateway", way, `expected an address of ${formatSubnet(subnet)}`);
  }
  return {
    subnet: formatSubnet(subnet),
    gateway: formatIp(own ?? addressAt(subnet, 1n)),
    ...(own === undefined || range === undefined ? {} : { ipRange: formatSubnet(range) }),
    ...(gateway === undefined ? {} : { auxiliaryAddresses: { [gatewayNames[family]]: formatIp(gateway) } }),
    given: false,
  };
}

/** The default bridge's subnets, by the flags where they say something, else chosen by `choose`. */
export function defaultBridgePools(
  settings: DefaultBridgeSettings,
  choose: (family: Family) => NetworkPool,
): readonly NetworkPool[] {
  const families: readonly Family[] = settings.ipv6 === true ? [4, 6] : [4];
  return families.map((family) => settledPool(settings, family) ?? choose(family));
}

/** Whether the flags say where the default bridge is. */
export function isSettled(settings: DefaultBridgeSettings): boolean {
  return settledPool(settings, 4) !== undefined || (settings.ipv6 === true && settledPool(settings, 6) !== undefined);
}
