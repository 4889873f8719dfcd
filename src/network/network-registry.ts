import { readFileSync } from "node:fs";
import { newId } from "#base";
import { type Database, networkTable } from "#db";
import type { NetlinkSocket } from "#linux";
import { hostMtu, hostSubnets } from "./bridge/bridge-device.ts";
import { type DefaultBridgeSettings, defaultBridgePools, isSettled } from "./bridge/default-bridge.ts";
import { defaultBridgeOptions, parseBridgeOptions } from "./bridge/options.ts";
import type { NetworkDriver, NetworkPool, NetworkRecord, NetworkRequest } from "./contract.ts";
import { errors } from "./errors.ts";
import { bridgeNameOf, type Instance, type InstanceNames, predefinedNetworkId } from "./instance-names.ts";
import {
  addressAt,
  bitsOf,
  type Family,
  formatIp,
  formatSubnet,
  overlap,
  parseIp,
  type Subnet,
} from "./ipam/ip-address.ts";
import { type AddressPool, chooseSubnet, defaultPools, uniqueLocalPool } from "./ipam/subnet-choice.ts";
import { parseLanOptions } from "./lan/options.ts";
import { chooseParent, type ParentInterface } from "./lan/parent-interface.ts";
import { type NetworkPlan, planNetwork, type PoolPlan } from "./network-request.ts";
import { recordOf, rowOf } from "./records.ts";
import { type BridgeNetwork, type WorkingNetwork, workingNetworkOf } from "./working-network.ts";

/** All networks of the instance, in memory and in the database. Touches no interface. */
export type NetworkRegistry = {
  list(): readonly NetworkRecord[];
  get(reference: string): NetworkRecord;
  /** The network at work behind a record; undefined for host, none and templates. */
  working(id: string): WorkingNetwork | undefined;
  all(): readonly WorkingNetwork[];
  bridges(): readonly BridgeNetwork[];
  /** Durable when it returns. */
  add(request: NetworkRequest): NetworkRecord;
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
  readonly defaultBridge: DefaultBridgeSettings;
  /** Options of networks that do not set them, by driver. */
  readonly networkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly addressPools: readonly AddressPool[] | undefined;
  readonly defaultHostAddress: string;
  readonly mtu: number | undefined;
};

const predefined: readonly (readonly [string, NetworkDriver])[] = [
  ["bridge", "bridge"],
  ["host", "host"],
  ["none", "null"],
];

export function createNetworkRegistry(options: NetworkRegistryOptions): NetworkRegistry {
  const table = networkTable(options.database);
  const records = new Map<string, NetworkRecord>();
  const working = new Map<string, WorkingNetwork>();
  const poolsOf = (family: Family): readonly AddressPool[] =>
    (options.addressPools ?? []).filter(({ base }) => base.family === family);
  const pools = [
    ...(poolsOf(4).length > 0 ? poolsOf(4) : defaultPools),
    ...(poolsOf(6).length > 0 ? poolsOf(6) : [uniqueLocalPool(options.instance.id)]),
  ];

  const remember = (record: NetworkRecord): void => {
    records.set(record.id, record);
    const network = workingNetworkOf(record);
    if (network !== undefined) working.set(record.id, network);
  };

  const bridges = (): readonly BridgeNetwork[] =>
    [...working.values()].filter((network) => network.driver === "bridge");

  const usedSubnets = (exceptId?: string): readonly Subnet[] =>
    [...working.values()].flatMap((network) =>
      network.record.id === exceptId ? [] : network.pools.all.map(({ subnet }) => subnet),
    );

  const freeSubnet = (family: Family, exceptId?: string): Subnet => {
    const own = bridges().map((network) => network.bridgeName);
    const taken = [...usedSubnets(exceptId), ...hostSubnets(options.route, own), ...resolverAddresses()];
    const subnet = chooseSubnet(pools, taken, family);
    if (subnet === undefined) throw errors["network-pools-exhausted"]();
    return subnet;
  };

  const automaticPool = (family: Family, exceptId?: string): NetworkPool => {
    const subnet = freeSubnet(family, exceptId);
    return { subnet: formatSubnet(subnet), gateway: formatIp(addressAt(subnet, 1n)), given: false };
  };

  const defaultId = predefinedNetworkId(options.instance, "bridge");
  // Asked for each container of a list, so not hashed each time.
  const predefinedIds = new Set(predefined.map(([name]) => predefinedNetworkId(options.instance, name)));

  const { defaultBridge } = options;
  const hasIpv6 = defaultBridge.ipv6 ?? false;
  const wantedPools = (): readonly NetworkPool[] =>
    defaultBridgePools(defaultBridge, (family) => automaticPool(family, defaultId));
  const wantedOptions = (): Record<string, string> =>
    defaultBridgeOptions(options.names.defaultBridge, {
      mtu: options.mtu ?? hostMtu(options.route),
      hostBinding: options.defaultHostAddress,
      interContainer: defaultBridge.interContainer ?? true,
      masquerade: defaultBridge.masquerade ?? true,
    });

  const makePredefined = (name: string, driver: NetworkDriver): void => {
    const isBridge = driver === "bridge";
    const record: NetworkRecord = {
      id: predefinedNetworkId(options.instance, name),
      name,
      driver,
      createdMs: Date.now(),
      enableIpv4: true,
      enableIpv6: isBridge && hasIpv6,
      pools: isBridge ? wantedPools() : [],
      ipamDriver: "default",
      ipamOptions: null,
      internal: false,
      attachable: false,
      configOnly: false,
      configFrom: "",
      bridgeName: isBridge ? options.names.defaultBridge : undefined,
      options: isBridge ? wantedOptions() : {},
      labels: {},
    };
    table.insert(rowOf(record));
    remember(record);
  };

  for (const row of table.all()) remember(recordOf(row));
  for (const [name, driver] of predefined) {
    if (!records.has(predefinedNetworkId(options.instance, name))) makePredefined(name, driver);
  }

  /** The default bridge's options are the daemon's, which may have been told others since it was made. */
  const updateDefaultBridge = (): void => {
    const record = records.get(defaultId);
    if (record === undefined) return;
    const changed = { ...record, options: wantedOptions() };
    if (JSON.stringify(changed.options) === JSON.stringify(record.options)) return;
    table.setOptions(defaultId, rowOf(changed).options);
    remember(changed);
  };
  updateDefaultBridge();
  // What the flags say is checked at the start, not when the first container comes.
  isSettled(defaultBridge);

  const defaultNetwork = (): BridgeNetwork => {
    const network = working.get(defaultId);
    if (network?.driver !== "bridge") throw errors["network-not-found"]("bridge");
    return network;
  };

  const moveDefaultBridge = (network: BridgeNetwork, place: readonly NetworkPool[]): BridgeNetwork => {
    const record = { ...network.record, pools: place, enableIpv6: hasIpv6 };
    options.database.transaction(() => {
      table.setPools(defaultId, rowOf(record).pools);
      table.setSettings(defaultId, rowOf(record).settings);
    });
    remember(record);
    return defaultNetwork();
  };

  /** A request with what its template says. */
  const configured = (request: NetworkRequest): NetworkRequest => {
    if (request.configFrom === "") return request;
    const template = [...records.values()].find(({ name }) => name === request.configFrom);
    if (template === undefined) throw errors["network-config-missing"](request.configFrom);
    if (!template.configOnly) throw errors["network-not-config"](request.configFrom);
    return {
      ...request,
      pools: template.pools,
      enableIpv4: template.enableIpv4,
      enableIpv6: template.enableIpv6,
      options: template.options,
      labels: template.labels,
    };
  };

  /** The daemon's options for networks of a driver, where the request does not set them. */
  const withDefaultOptions = (request: NetworkRequest): NetworkRequest => {
    const defaults = options.networkOptions[request.driver === "" ? "bridge" : request.driver];
    return defaults === undefined ? request : { ...request, options: { ...defaults, ...request.options } };
  };

  const fullPool = (plan: PoolPlan): NetworkPool => ({
    subnet: formatSubnet(plan.subnet),
    gateway: formatIp(plan.gateway ?? addressAt(plan.range ?? plan.subnet, 1n)),
    ipRange: plan.range === undefined ? undefined : formatSubnet(plan.range),
    auxiliaryAddresses: plan.auxiliaryAddresses,
    given: true,
  });

  const poolsFor = (plan: NetworkPlan): readonly NetworkPool[] => {
    const used = usedSubnets();
    plan.pools.forEach(({ subnet }, position) => {
      const others = [...used, ...plan.pools.slice(0, position).map((other) => other.subnet)];
      if (others.some((other) => overlap(other, subnet))) throw errors["network-pool-overlaps"]();
    });
    const given = plan.pools.map(fullPool);
    const lacks = (family: Family): boolean => !plan.pools.some(({ subnet }) => subnet.family === family);
    return [
      ...given,
      ...(plan.enableIpv4 && lacks(4) ? [automaticPool(4)] : []),
      ...(plan.enableIpv6 && lacks(6) ? [automaticPool(6)] : []),
      ...plan.idlePools.map(asAsked),
    ];
  };

  const bridgeNameFor = (id: string, request: NetworkRequest): string => {
    const bridgeName = parseBridgeOptions(request.options, request.internal).bridgeName ?? bridgeNameOf(id);
    if (bridges().some((network) => network.bridgeName === bridgeName)) {
      throw errors["network-interface-exists"](bridgeName);
    }
    return bridgeName;
  };

  const parentFor = (id: string, request: NetworkRequest, driver: "macvlan" | "ipvlan"): ParentInterface => {
    const wanted = parseLanOptions(driver, request.options);
    const parent = chooseParent(options.route, wanted.parent, id);
    for (const other of working.values()) {
      if (other.driver === "bridge" || other.parent.name !== parent.name) continue;
      const isShareable =
        driver === "macvlan" &&
        other.driver === "macvlan" &&
        wanted.mode !== "passthru" &&
        other.options.mode !== "passthru";
      if (!isShareable) throw errors["network-parent-in-use"](other.record.name, parent.name);
    }
    return parent;
  };

  /** The name of the interface that is made for a network, and goes with it. */
  const ownInterface = (id: string, request: NetworkRequest, driver: NetworkDriver): string | undefined => {
    if (driver === "bridge") return bridgeNameFor(id, request);
    if (driver !== "macvlan" && driver !== "ipvlan") return undefined;
    const parent = parentFor(id, request, driver);
    return parent.own ? parent.name : undefined;
  };

  return {
    list: () => [...records.values()],
    get: (reference) => {
      const exact = records.get(reference) ?? [...records.values()].find((candidate) => candidate.name === reference);
      if (exact !== undefined) return exact;
      const matches = [...records.values()].filter(({ id }) => id.startsWith(reference));
      const [match] = matches;
      if (match === undefined) throw errors["network-not-found"](reference);
      if (matches.length > 1) throw errors["network-ambiguous"](reference, matches.length);
      return match;
    },
    working: (id) => working.get(id),
    all: () => [...working.values()],
    bridges,
    add: (given) => {
      planNetwork(given);
      const request = withDefaultOptions(configured(given));
      const plan = planNetwork({ ...request, configFrom: "" });
      if ([...records.values()].some(({ name }) => name === request.name)) {
        throw errors["network-name-in-use"](request.name);
      }
      const id = newId();
      const record: NetworkRecord = {
        id,
        name: request.name,
        driver: plan.driver,
        createdMs: Date.now(),
        enableIpv4: plan.enableIpv4,
        enableIpv6: plan.enableIpv6,
        // A template keeps what it was told; its users' addresses are theirs.
        pools: request.configOnly ? [...plan.pools, ...plan.idlePools].map(asAsked) : poolsFor(plan),
        ipamDriver: "default",
        ipamOptions: request.ipamOptions,
        internal: request.internal,
        attachable: request.attachable,
        configOnly: request.configOnly,
        configFrom: request.configFrom,
        bridgeName: ownInterface(id, request, plan.driver),
        options: request.options,
        labels: request.labels,
      };
      table.insert(rowOf(record));
      remember(record);
      return record;
    },
    delete: (id) => {
      table.delete(id);
      records.delete(id);
      working.delete(id);
    },
    isPredefined: ({ id }) => predefinedIds.has(id),
    settleDefaultBridge: () => {
      const network = defaultNetwork();
      if (isSettled(defaultBridge)) {
        const place = wantedPools();
        const same = JSON.stringify(place) === JSON.stringify(network.record.pools);
        return same && network.record.enableIpv6 === hasIpv6 ? network : moveDefaultBridge(network, place);
      }
      const keeps =
        network.pools.of(6).length > 0 === hasIpv6 &&
        network.record.pools.every(({ ipRange, auxiliaryAddresses }) => (ipRange ?? auxiliaryAddresses) === undefined);
      const taken = hostSubnets(options.route, [network.bridgeName]);
      const collides = network.pools.all.some(({ subnet }) => taken.some((used) => overlap(used, subnet)));
      return collides || !keeps ? moveDefaultBridge(network, wantedPools()) : network;
    },
  };
}

/** A subnet that is not in use, as a template's: what was said, without the gateway that would be chosen. */
function asAsked(plan: PoolPlan): NetworkPool {
  return {
    subnet: formatSubnet(plan.subnet),
    gateway: plan.gateway === undefined ? undefined : formatIp(plan.gateway),
    ipRange: plan.range === undefined ? undefined : formatSubnet(plan.range),
    auxiliaryAddresses: plan.auxiliaryAddresses,
    given: true,
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
    const address = parseIp(server);
    return address === undefined ? [] : [{ ...address, prefixLength: bitsOf(address.family) }];
  });
}
