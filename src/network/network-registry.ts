import { readFileSync } from "node:fs";
import { newId } from "#base";
import { type Database, networkTable } from "#db";
import type { NetlinkSocket } from "#linux";
import { hostMtu, hostSubnets } from "./bridge/bridge-device.ts";
import { type BridgeNetwork, bridgeNetworkOf } from "./bridge/bridge-network.ts";
import { defaultBridgeOptions, parseBridgeOptions } from "./bridge/options.ts";
import type { NetworkRecord, NetworkService } from "./contract.ts";
import { errors } from "./errors.ts";
import { bridgeNameOf, type Instance, type InstanceNames, predefinedNetworkId } from "./instance-names.ts";
import { formatIpv4, formatSubnet, networkOf, overlap, parseCidr, parseIpv4, type Subnet } from "./ipam/ipv4.ts";
import { type AddressPool, chooseSubnet, defaultPools } from "./ipam/subnet-choice.ts";
import { checkNetworkRequest, parseAddressRequest } from "./network-request.ts";
import { recordOf, rowOf } from "./records.ts";

/** All networks of the instance, in memory and in the database. Touches no interface. */
export type NetworkRegistry = {
  list(): readonly NetworkRecord[];
  get(reference: string): NetworkRecord;
  /** The bridge network behind a record; undefined for host and none. */
  bridge(id: string): BridgeNetwork | undefined;
  bridges(): readonly BridgeNetwork[];
  add(request: Parameters<NetworkService["create"]>[0]): NetworkRecord;
  delete(id: string): void;
  isPredefined(record: NetworkRecord): boolean;
  /**
   * The default bridge, moved to another subnet when the host has come to use the one it had (a VPN, another
   * daemon). Only to be called while it has no endpoints and no interface.
   */
  settleDefaultBridge(): BridgeNetwork;
};

export type NetworkRegistryOptions = {
  readonly database: Database;
  readonly instance: Instance;
  readonly names: InstanceNames;
  readonly route: NetlinkSocket;
  /** Address and prefix of the default bridge ("172.20.0.1/16"). */
  readonly bridgeAddress: string | undefined;
  readonly addressPools: readonly AddressPool[] | undefined;
  readonly defaultHostAddress: string;
};

const predefined: readonly (readonly [string, NetworkRecord["driver"]])[] = [
  ["bridge", "bridge"],
  ["host", "host"],
  ["none", "null"],
];

export function createNetworkRegistry(options: NetworkRegistryOptions): NetworkRegistry {
  const table = networkTable(options.database);
  const records = new Map<string, NetworkRecord>();
  const bridgeNetworks = new Map<string, BridgeNetwork>();

  const remember = (record: NetworkRecord, subnetGiven: boolean): void => {
    records.set(record.id, record);
    if (record.driver === "bridge") bridgeNetworks.set(record.id, bridgeNetworkOf(record, subnetGiven));
  };

  const usedSubnets = (exceptId?: string): readonly Subnet[] =>
    [...bridgeNetworks.values()].flatMap((network) => (network.record.id === exceptId ? [] : [network.subnet]));

  const freeSubnet = (exceptId?: string): Subnet => {
    const own = [...bridgeNetworks.values()].map((network) => network.bridgeName);
    const taken = [...usedSubnets(exceptId), ...hostSubnets(options.route, own), ...resolverAddresses()];
    const subnet = chooseSubnet(options.addressPools ?? defaultPools, taken);
    if (subnet === undefined) throw errors["network-pools-exhausted"]();
    return subnet;
  };

  const defaultBridgeAddresses = (): { readonly subnet: string; readonly gateway: string } => {
    const given = options.bridgeAddress === undefined ? undefined : parseCidr(options.bridgeAddress);
    if (options.bridgeAddress !== undefined && (given === undefined || networkOf(given).address === given.address)) {
      throw errors["network-invalid-address"](
        "bridge address",
        options.bridgeAddress,
        "expected an address of the bridge with its prefix, like 172.20.0.1/16",
      );
    }
    const subnet = given === undefined ? freeSubnet(defaultId) : networkOf(given);
    return { subnet: formatSubnet(subnet), gateway: formatIpv4(given?.address ?? subnet.address + 1) };
  };

  const defaultId = predefinedNetworkId(options.instance, "bridge");

  const makePredefined = (name: string, driver: NetworkRecord["driver"]): void => {
    const isBridge = driver === "bridge";
    const record: NetworkRecord = {
      id: predefinedNetworkId(options.instance, name),
      name,
      driver,
      createdMs: Date.now(),
      ...(isBridge ? defaultBridgeAddresses() : {}),
      internal: false,
      bridgeName: isBridge ? options.names.defaultBridge : undefined,
      options: isBridge
        ? defaultBridgeOptions(options.names.defaultBridge, hostMtu(options.route), options.defaultHostAddress)
        : {},
      labels: {},
    };
    table.insert(rowOf(record, false));
    remember(record, false);
  };

  for (const row of table.all()) remember(recordOf(row), row.subnet_given === 1);
  for (const [name, driver] of predefined) {
    if (!records.has(predefinedNetworkId(options.instance, name))) makePredefined(name, driver);
  }

  const moveDefaultBridge = (network: BridgeNetwork, place: { subnet: string; gateway: string }): BridgeNetwork => {
    table.setSubnet(defaultId, place.subnet, place.gateway, 0);
    remember({ ...network.record, ...place }, false);
    return bridgeNetworks.get(defaultId) ?? network;
  };

  const defaultNetwork = (): BridgeNetwork => {
    const network = bridgeNetworks.get(defaultId);
    if (network === undefined) throw errors["network-not-found"]("bridge");
    return network;
  };

  return {
    list: () => [...records.values()],
    get: (reference) => {
      const exact = records.get(reference) ?? [...records.values()].find((candidate) => candidate.name === reference);
      if (exact !== undefined) return exact;
      const matches = reference === "" ? [] : [...records.values()].filter(({ id }) => id.startsWith(reference));
      const [match] = matches;
      if (match === undefined) throw errors["network-not-found"](reference);
      if (matches.length > 1) throw errors["network-ambiguous"](reference, matches.length);
      return match;
    },
    bridge: (id) => bridgeNetworks.get(id),
    bridges: () => [...bridgeNetworks.values()],
    add: (request) => {
      checkNetworkRequest(request);
      if ([...records.values()].some(({ name }) => name === request.name)) {
        throw errors["network-name-in-use"](request.name);
      }
      const plan = parseAddressRequest(request);
      if (plan.subnet !== undefined && usedSubnets().some((used) => overlap(used, plan.subnet ?? used))) {
        throw errors["network-pool-overlaps"]();
      }
      const id = newId();
      const bridgeName = parseBridgeOptions(request.options).bridgeName ?? bridgeNameOf(id);
      if ([...bridgeNetworks.values()].some((network) => network.bridgeName === bridgeName)) {
        throw errors["network-interface-exists"](bridgeName);
      }
      const subnet = plan.subnet ?? freeSubnet();
      const record: NetworkRecord = {
        id,
        name: request.name,
        driver: "bridge",
        createdMs: Date.now(),
        subnet: formatSubnet(subnet),
        gateway: formatIpv4(plan.gateway ?? (plan.range ?? subnet).address + 1),
        ipRange: plan.range === undefined ? undefined : formatSubnet(plan.range),
        internal: request.internal,
        bridgeName,
        options: request.options,
        labels: request.labels,
      };
      table.insert(rowOf(record, plan.subnet !== undefined));
      remember(record, plan.subnet !== undefined);
      return record;
    },
    delete: (id) => {
      table.delete(id);
      records.delete(id);
      bridgeNetworks.delete(id);
    },
    isPredefined: (record) => predefinedNetworkId(options.instance, record.name) === record.id,
    settleDefaultBridge: () => {
      const network = defaultNetwork();
      if (options.bridgeAddress !== undefined) {
        const place = defaultBridgeAddresses();
        const same = place.subnet === network.record.subnet && place.gateway === network.record.gateway;
        return same ? network : moveDefaultBridge(network, place);
      }
      const collides = hostSubnets(options.route, [network.bridgeName]).some((used) => overlap(used, network.subnet));
      return collides ? moveDefaultBridge(network, defaultBridgeAddresses()) : network;
    },
  };
}

/** Addresses of the host's resolvers: a container network over one would cut the host's names off. */
function resolverAddresses(): readonly Subnet[] {
  let text: string;
  try {
    text = readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    // None: nothing to avoid.
    return [];
  }
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server = ""]) => {
    const address = parseIpv4(server);
    return address === undefined ? [] : [{ address, prefixLength: 32 }];
  });
}
