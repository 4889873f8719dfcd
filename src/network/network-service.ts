import { errorMessage, type Logger, shortId } from "#base";
import type { Database } from "#db";
import {
  closeNamespace,
  type LinkCounters,
  linkCounters,
  listLinks,
  NETLINK_ROUTE,
  openNetlink,
  openOwnNetworkNamespace,
} from "#linux";
import { createAttachments } from "./attachments.ts";
import { removeBridge } from "./bridge/bridge-device.ts";
import type { JoinRequest, LiveContainer, NetworkService } from "./contract.ts";
import { createNameService } from "./dns/name-service.ts";
import { errors } from "./errors.ts";
import type { DefaultBridgeSettings } from "./bridge/default-bridge.ts";
import { createForwarder } from "./forward/forwarder.ts";
import { createFirewall } from "./firewall/firewall.ts";
import { type Instance, namesOf } from "./instance-names.ts";
import type { AddressPool } from "./ipam/subnet-choice.ts";
import { checkFixedAddress, checkJoinAlone, fixedAddress } from "./join-check.ts";
import { checkKernel } from "./lan/parent-interface.ts";
import { createLinks } from "./links.ts";
import { createNetworkRegistry } from "./network-registry.ts";
import { createNetworkUpkeep } from "./network-upkeep.ts";
import { createPortAllocator } from "./ports/port-allocator.ts";
import { endpointOf, firewallPortsOf, publishedPortOf, settingsOf } from "./sandbox-plan.ts";
import { createSandboxes } from "./sandboxes.ts";
import type { WorkingNetwork } from "./working-network.ts";

/** What the daemon's flags say about networks. */
export type NetworkServiceOptions = {
  readonly defaultBridge?: DefaultBridgeSettings | undefined;
  /** Options of networks that do not set them, by driver. */
  readonly networkOptions?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** Tells the kernel to forward between interfaces. @default true */
  readonly ipForward?: boolean | undefined;
  /** Where subnets of networks come from. @default Docker's pools, and unique local addresses for IPv6 */
  readonly addressPools?: readonly AddressPool[] | undefined;
  /** MTU of bridges and interfaces. @default that of the host's default route */
  readonly mtu?: number | undefined;
  /** Host address of ports published without one. @default "0.0.0.0" */
  readonly defaultHostAddress?: string | undefined;
  /**
   * The program that carries connections to published ports where the kernel does not: from `[::1]`, and between the
   * families. @default there is none, and such ports are not published
   */
  readonly forwarderCommand?: readonly string[] | undefined;
  /** How often the firewall is looked at. @default 5000 */
  readonly verifyIntervalMs?: number | undefined;
};

/** The network service with what only the daemon's own parts use. */
export type LinuxNetworkService = NetworkService & {
  /** Traffic of a container's interface, seen from the container, by the name of its host side; undefined when it has gone. */
  interfaceCounters(hostInterface: string): LinkCounters | undefined;
};

/**
 * Makes the network service of an instance. Nothing is made on the host before the first network is used. All kernel
 * work is synchronous and happens on the calling thread, which must be in the host's network namespace.
 */
export function createNetworkService(parts: {
  readonly database: Database;
  readonly instance: Instance;
  readonly logger: Logger;
  readonly options?: NetworkServiceOptions | undefined;
}): LinuxNetworkService {
  const { database, instance, logger } = parts;
  const options = parts.options ?? {};
  const hostNames = namesOf(instance);
  const home = openOwnNetworkNamespace();
  const route = openNetlink(NETLINK_ROUTE);
  const defaultHostAddress = options.defaultHostAddress ?? "0.0.0.0";
  const registry = createNetworkRegistry({
    database,
    instance,
    names: hostNames,
    route,
    defaultBridge: options.defaultBridge ?? {},
    networkOptions: options.networkOptions ?? {},
    mtu: options.mtu,
    addressPools: options.addressPools,
    defaultHostAddress,
  });
  const attachments = createAttachments(database);
  const nameOf = (containerId: string): string => {
    const name = attachments.get(containerId)?.endpoints[0]?.container_name;
    return name === undefined || name === shortId(containerId)
      ? shortId(containerId)
      : `${name} (${shortId(containerId)})`;
  };
  const forwarder =
    options.forwarderCommand === undefined ? undefined : createForwarder(options.forwarderCommand, logger);
  const ports = createPortAllocator(nameOf, forwarder);
  const firewall = createFirewall({ table: hostNames.table, ruleComment: hostNames.ruleComment, route, logger });
  const upkeep = createNetworkUpkeep({
    route,
    registry,
    attachments,
    firewall,
    logger,
    mtu: options.mtu,
    forwards: options.ipForward ?? true,
  });
  const names = createNameService({ home, registry, attachments, logger });
  const links = createLinks({ registry, attachments, firewall });
  const sandboxes = createSandboxes({
    route,
    home,
    registry,
    attachments,
    ports,
    firewall,
    upkeep,
    names,
    logger,
    defaultHostAddress,
  });
  let closed = false;

  const removeNetwork = (reference: string): void => {
    const record = registry.get(reference);
    if (registry.isPredefined(record)) throw errors["network-predefined-remove"](record.name);
    if (record.configOnly && registry.list().some(({ configFrom }) => configFrom === record.name)) {
      throw errors["network-config-in-use"](record.name);
    }
    const rows = attachments.on(record.id);
    if (rows.length > 0) {
      const list = rows.map((row) => `name:"${row.container_name}" id:"${shortId(row.endpoint_id)}"`).join(", ");
      throw errors["network-active-endpoints"](record.name, record.id, list);
    }
    const network = registry.working(record.id);
    if (network !== undefined) upkeep.tearDown(network);
    attachments.flush();
    registry.delete(record.id);
    if (network?.driver === "bridge") upkeep.syncFirewall();
  };

  const checkJoin = (join: JoinRequest): void => {
    checkJoinAlone(join);
    const record = registry.get(join.network);
    if (record.configOnly) throw errors["network-config-only"]();
    const network = registry.working(record.id);
    if (network === undefined) return;
    for (const family of [4, 6] as const) {
      const address = fixedAddress(join, family);
      if (address !== undefined) checkFixedAddress(network, address, registry.isPredefined(record));
    }
  };

  /** Forgets endpoints whose interface has gone: a kill in the middle of a connect or disconnect left them. */
  const dropVanished = (): void => {
    const present = new Set(listLinks(route).map((link) => link.name));
    for (const [containerId, { endpoints }] of attachments.entries()) {
      for (const row of endpoints) {
        if (row.host_interface === "" || present.has(row.host_interface)) continue;
        logger.warn("a container's interface has gone", { container: shortId(containerId), network: row.network_id });
        attachments.deleteEndpoint(containerId, row.endpoint_id);
      }
    }
  };

  const restore = async (live: ReadonlyMap<string, LiveContainer>): Promise<void> => {
    for (const [containerId] of attachments.entries()) {
      if (!live.has(containerId)) attachments.delete(containerId);
    }
    const holders = [...attachments.entries()];
    if (holders.length > 0) dropVanished();
    firewall.publish(firewallPortsOf(holders.flatMap(([, attachment]) => attachment.ports)));
    const inUse = new Set<WorkingNetwork>();
    for (const [containerId] of holders) for (const { network } of sandboxes.held(containerId)) inUse.add(network);
    // Nothing runs: what an earlier daemon left of the table would only point nowhere.
    if (inUse.size === 0) firewall.remove();
    for (const network of inUse) {
      try {
        upkeep.bringUp(network);
      } catch (error) {
        // A parent interface that is not there (yet): its containers wait for it as they would for a cable.
        logger.error("network could not be brought up", { network: network.record.name, error: errorMessage(error) });
      }
    }
    for (const [containerId] of holders) {
      const container = live.get(containerId);
      if (container !== undefined) await sandboxes.restore(containerId, container);
    }
  };

  const verifyTimer = setInterval(() => {
    try {
      firewall.verify({ thorough: true });
    } catch (error) {
      logger.error("cannot verify the firewall", { error: errorMessage(error) });
    }
  }, options.verifyIntervalMs ?? 5000);
  verifyTimer.unref();

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    clearInterval(verifyTimer);
    names.closeAll();
    attachments.flush();
    ports.close();
    firewall.close();
    route.close();
    closeNamespace(home);
    await forwarder?.close();
  };

  return {
    list: () => registry.list(),
    get: (reference) => registry.get(reference),
    isPredefined: (record) => registry.isPredefined(record),
    create: async (request) => {
      if (request.driver === "macvlan" || request.driver === "ipvlan") checkKernel(route, request.driver);
      const record = registry.add(request);
      const network = registry.working(record.id);
      try {
        if (network !== undefined) upkeep.bringUp(network);
      } catch (error) {
        registry.delete(record.id);
        upkeep.syncFirewall();
        throw error;
      }
      return record;
    },
    remove: async (reference) => removeNetwork(reference),
    endpointsOf: (networkId) => {
      const network = registry.working(networkId);
      if (network === undefined) return [];
      return attachments
        .on(networkId)
        .map((row) => ({ ...endpointOf({ row, network }), containerId: row.container_id }));
    },
    checkJoin,
    createSandbox: async (request) => {
      await forwarder?.settled();
      return sandboxes.create(request);
    },
    connect: async (request, join) => {
      await forwarder?.settled();
      return sandboxes.connect(request, join);
    },
    disconnect: async (request, networkId) => {
      const record = registry.list().find(({ id }) => id === networkId);
      if (record !== undefined && registry.isPredefined(record)) links.forget(request.containerId);
      return sandboxes.disconnect(request, networkId);
    },
    rename: (containerId, name, namesOn) => {
      attachments.rename(containerId, (row) => ({
        ...row,
        container_name: name,
        settings: JSON.stringify({ ...settingsOf(row), names: namesOn(row.network_id) }),
      }));
      for (const endpoint of sandboxes.held(containerId)) names.announce(endpoint);
    },
    setLinks: (containerId, linked) => links.set(containerId, linked),
    releaseContainer: (containerId) => {
      links.forget(containerId);
      sandboxes.release(containerId);
    },
    restore,
    describe: (containerId) => ({
      endpoints: sandboxes.held(containerId).map(endpointOf),
      ports: (attachments.get(containerId)?.ports ?? []).map(publishedPortOf),
    }),
    interfaceCounters: (hostInterface) => {
      const host = hostInterface === "" ? undefined : linkCounters(route, hostInterface);
      if (host === undefined) return undefined;
      // What the host's side receives, the container has sent.
      return {
        rxBytes: host.txBytes,
        rxPackets: host.txPackets,
        rxErrors: host.txErrors,
        rxDropped: host.txDropped,
        txBytes: host.rxBytes,
        txPackets: host.rxPackets,
        txErrors: host.rxErrors,
        txDropped: host.rxDropped,
      };
    },
    close,
    destroy: async () => {
      if (closed) throw new Error("the network service is closed");
      for (const network of registry.all()) {
        if (network.driver === "bridge") removeBridge(route, network.bridgeName);
        else upkeep.tearDown(network);
      }
      firewall.remove();
      await close();
    },
  };
}
