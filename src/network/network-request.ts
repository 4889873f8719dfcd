import { parseBridgeOptions } from "./bridge/options.ts";
import type { NetworkDriver, NetworkRequest } from "./contract.ts";
import { errors } from "./errors.ts";
import {
  containsAddress,
  type Family,
  formatSubnet,
  type IpAddress,
  lastOf,
  networkOf,
  parseCidr,
  parseIp,
  sameAddress,
  sizeOf,
  type Subnet,
} from "./ipam/ip-address.ts";
import { parseLanOptions } from "./lan/options.ts";
import { commonOptions, parseBoolean } from "./network-options.ts";

/** A subnet a person asked for, checked. */
export type PoolPlan = {
  readonly subnet: Subnet;
  readonly gateway: IpAddress | undefined;
  readonly range: Subnet | undefined;
  readonly auxiliaryAddresses: Readonly<Record<string, string>> | undefined;
};

/** What a request for a network comes to. */
export type NetworkPlan = {
  readonly driver: NetworkDriver;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly pools: readonly PoolPlan[];
  /** Subnets of a family the network does not have: shown and fit to ask an address of, which nobody gets. */
  readonly idlePools: readonly PoolPlan[];
};

/** Checks a new network as far as it can be without the others; throws in Docker's words. */
export function planNetwork(request: NetworkRequest): NetworkPlan {
  const { name } = request;
  if (["bridge", "host", "none", "default"].includes(name)) throw errors["network-predefined"](name);
  // Docker takes any other name, spaces included; these would be read as something else where a network is named.
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (name.trim() === "" || /[/:\x00-\x1f\x7f]/.test(name)) throw errors["network-invalid-name"](name);
  checkOperatorFields(request);
  const driver = driverOf(request);
  if (request.ipamDriver !== "" && request.ipamDriver !== "default") {
    throw errors["network-ipam-driver-not-found"](request.ipamDriver);
  }
  const [option] = Object.keys(request.ipamOptions ?? {});
  if (option !== undefined) throw errors["network-invalid-option"](option, "the default address driver has no options");
  if (driver === "bridge") parseBridgeOptions(request.options, request.internal);
  if (driver === "macvlan" || driver === "ipvlan") parseLanOptions(driver, request.options);
  const enableIpv4 = request.enableIpv4 ?? parseBoolean(request.options, commonOptions.enableIpv4, true);
  const enableIpv6 = request.enableIpv6 ?? parseBoolean(request.options, commonOptions.enableIpv6, false);
  if (!enableIpv4 && !enableIpv6) throw errors["network-no-family"]();
  const isEnabled = (family: Family): boolean => (family === 4 ? enableIpv4 : enableIpv6);
  const all = parsePools(request.pools);
  const pools = all.filter(({ subnet }) => isEnabled(subnet.family));
  const idlePools = all.filter(({ subnet }) => !isEnabled(subnet.family));
  return { driver, enableIpv4, enableIpv6, pools, idlePools };
}

function driverOf({ driver, configOnly }: NetworkRequest): NetworkDriver {
  if (configOnly) return "null";
  if (driver === "" || driver === "bridge" || driver === "default") return "bridge";
  if (driver === "macvlan" || driver === "ipvlan") return driver;
  if (driver === "host" || driver === "null") throw errors["network-single-instance"](driver);
  if (driver === "overlay") throw errors["network-needs-swarm"]();
  throw errors["network-driver-not-found"](driver);
}

/** What belongs to a swarm, and what a template or its user may say (libnetwork `validateConfiguration`). */
function checkOperatorFields(request: NetworkRequest): void {
  const { scope, ingress, configOnly, configFrom } = request;
  if (configOnly && (ingress || request.internal || request.attachable || scope !== "")) {
    throw errors["network-config-only-fields"]();
  }
  if (configOnly && configFrom !== "") throw errors["network-config-nested"]();
  if (scope !== "" && scope !== "local") throw errors["network-needs-swarm"]();
  if (ingress) throw errors["network-needs-swarm"]();
  if (configFrom === "") return;
  if (Object.keys(request.options).length > 0) throw errors["network-config-options"]();
  const isConfigured =
    request.enableIpv6 === true ||
    Object.keys(request.labels).length > 0 ||
    Object.keys(request.ipamOptions ?? {}).length > 0 ||
    request.pools.length > 0;
  if (isConfigured) throw errors["network-config-given"]();
}

function parsePools(pools: NetworkRequest["pools"]): readonly PoolPlan[] {
  const problems: string[] = [];
  const plans = pools.flatMap((pool): PoolPlan[] => {
    const isEmpty = pool.subnet === undefined && pool.gateway === undefined && pool.ipRange === undefined;
    if (isEmpty && Object.keys(pool.auxiliaryAddresses ?? {}).length === 0) return [];
    const plan = parsePool(pool, problems);
    return plan === undefined ? [] : [plan];
  });
  // All of them at once, as Docker says them.
  if (problems.length > 0) throw errors["network-invalid-config"](problems);
  return plans;
}

function parsePool(pool: NetworkRequest["pools"][number], problems: string[]): PoolPlan | undefined {
  const text = pool.subnet ?? "";
  const subnet = parseCidr(text);
  if (subnet === undefined) {
    problems.push(`invalid subnet ${text}: invalid CIDR block notation`);
    return undefined;
  }
  const proper = networkOf(subnet);
  if (proper.value !== subnet.value) problems.push(`invalid subnet ${text}: it should be ${formatSubnet(proper)}`);
  if (sizeOf(subnet) < 4n) problems.push(`invalid subnet ${text}: it has no room for a container`);
  if (subnet.family === 4 && subnet.prefixLength < 8) problems.push(`invalid subnet ${text}: it is larger than /8`);
  const inside = (what: string, address: string | undefined): IpAddress | undefined => {
    if (address === undefined) return undefined;
    const parsed = parseIp(address.replace(/\/\d+$/, ""));
    const problem = problemOf(parsed, subnet);
    if (problem === undefined) return parsed;
    problems.push(`invalid ${what}: ${problem}`);
    return undefined;
  };
  for (const [name, address] of Object.entries(pool.auxiliaryAddresses ?? {})) {
    inside(`auxiliary address ${name}`, address);
  }
  return {
    subnet: proper,
    range: pool.ipRange === undefined ? undefined : parseRange(pool.ipRange, subnet, problems),
    gateway: inside(`gateway ${pool.gateway}`, pool.gateway),
    auxiliaryAddresses: pool.auxiliaryAddresses,
  };
}

function familyName(subnet: Subnet): string {
  return `IPv${subnet.family}`;
}

/** What is wrong with a gateway or reserved address of a subnet. */
function problemOf(address: IpAddress | undefined, subnet: Subnet): string | undefined {
  if (address === undefined) return "invalid address";
  if (address.family !== subnet.family) return `parent subnet is an ${familyName(subnet)} block`;
  if (!containsAddress(subnet, address)) return `parent subnet ${formatSubnet(subnet)} doesn't contain this address`;
  if (address.family === 4 && (sameAddress(address, networkOf(subnet)) || sameAddress(address, lastOf(subnet)))) {
    return "it is the network or broadcast address";
  }
  return undefined;
}

function parseRange(text: string, subnet: Subnet, problems: string[]): Subnet | undefined {
  const range = parseCidr(text);
  const problem = (): string | undefined => {
    if (range === undefined) return "invalid CIDR block notation";
    if (range.family !== subnet.family) return `parent subnet is an ${familyName(subnet)} block`;
    if (range.prefixLength < subnet.prefixLength) {
      return `CIDR block is bigger than its parent subnet ${formatSubnet(subnet)}`;
    }
    const proper = networkOf(range);
    if (proper.value !== range.value) return `it should be ${formatSubnet(proper)}`;
    return containsAddress(subnet, range)
      ? undefined
      : `parent subnet ${formatSubnet(subnet)} doesn't contain ip-range`;
  };
  const found = problem();
  if (found !== undefined) problems.push(`invalid ip-range ${text}: ${found}`);
  return range;
}
