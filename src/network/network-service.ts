import { errorMessage, type Logger, shortId } from "#base";
import type { Database } from "#db";
import {
  closeNamespace,
  errorCode,
  type LinkCounters,
  linkCounters,
  NETLINK_ROUTE,
  openNetlink,
  openOwnNetworkNamespace,
} from "#linux";
import { createAttachments } from "./attachments.ts";
import { ensureBridge, hostMtu, rejoinBridge, removeBridge } from "./bridge/bridge-device.ts";
import { type BridgeNetwork, deviceOf, firewallBridgeOf } from "./bridge/bridge-network.ts";
import { checkSysctls, makeSandboxNamespace } from "./bridge/sandbox-namespace.ts";
import type { NetworkService, Sandbox, SandboxRequest } from "./contract.ts";
import { errors } from "./errors.ts";
import { createFirewall } from "./firewall/firewall.ts";
import { type Instance, namesOf } from "./instance-names.ts";
import { parseIpv4 } from "./ipam/ipv4.ts";
import type { AddressPool } from "./ipam/subnet-choice.ts";
import { createNetworkRegistry } from "./network-registry.ts";
import { createPortAllocator } from "./ports/port-allocator.ts";
import {
  endpointOf,
  firewallPortOf,
  interfacePlanOf,
  outwardEndpoint,
  planEndpoints,
  type PlannedEndpoint,
  portRowOf,
  publishedPortOf,
} from "./sandbox-plan.ts";

/** What the daemon's flags say about networks. */
export type NetworkServiceOptions = {
  /** Address and prefix of the default bridge ("172.20.0.1/16"). @default the first of Docker's pools that is free */
  readonly bridgeAddress?: string | undefined;
  /** Where subnets of networks come from. @default Docker's pools */
  readonly addressPools?: readonly AddressPool[] | undefined;
  /** MTU of bridges and interfaces. @default that of the host's default route */
  readonly mtu?: number | undefined;
  /** Host address of ports published without one. @default "0.0.0.0" */
  readonly defaultHostAddress?: string | undefined;
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
  const names = namesOf(instance);
  const home = openOwnNetworkNamespace();
  const route = openNetlink(NETLINK_ROUTE);
  const defaultHostAddress = options.defaultHostAddress ?? "0.0.0.0";
  const registry = createNetworkRegistry({
    database,
    instance,
    names,
    route,
    bridgeAddress: options.bridgeAddress,
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
  const ports = createPortAllocator(nameOf);
  const firewall = createFirewall({ table: names.table, ruleComment: names.ruleComment, route, logger });
  let mtu: number | undefined;
  let closed = false;

  const hostMtuOnce = (): number => {
    mtu ??= options.mtu ?? hostMtu(route);
    return mtu;
  };

  const isDefault = (network: BridgeNetwork): boolean => registry.isPredefined(network.record);

  const endpointRowsOf = (networkId: string) =>
    [...attachments.entries()].flatMap(([, { endpoints }]) => endpoints.filter((row) => row.network_id === networkId));

  /** Brings a network's bridge up, with its firewall, if it is not yet; returns the network, whose subnet may have moved. */
  const bringUp = (asked: BridgeNetwork): BridgeNetwork => {
    if (asked.index !== undefined) return asked;
    const rows = endpointRowsOf(asked.record.id);
    const network = isDefault(asked) && rows.length === 0 ? registry.settleDefaultBridge() : asked;
    const { index, created } = ensureBridge(route, deviceOf(network, hostMtuOnce()));
    network.index = index;
    if (created)
      rejoinBridge(
        route,
        index,
        rows.map((row) => row.host_interface),
      );
    syncFirewall();
    logger.debug("bridge is up", { network: network.record.name, bridge: network.bridgeName });
    return network;
  };

  const syncFirewall = (): void => {
    const up = registry.bridges().filter((network) => network.index !== undefined);
    firewall.setBridges(up.map(firewallBridgeOf));
  };

  const resolveNetworks = (request: SandboxRequest) =>
    request.networks.flatMap((asked) => {
      const record = registry.get(asked.network);
      const network = registry.bridge(record.id);
      if (network !== undefined) return [{ network: bringUp(network), asked }];
      if (record.driver === "null" && request.networks.length === 1) return [];
      throw errors["network-no-sandbox"](record.name);
    });

  const makeSandbox = (request: SandboxRequest): Sandbox => {
    checkSysctls(request.sysctls ?? {});
    releaseContainer(request.containerId);
    firewall.verify({ thorough: false });
    using undo = new DisposableStack();
    const planned = planEndpoints(request, resolveNetworks(request), isDefault, (network, address) =>
      undo.defer(() => network.addresses.release(address)),
    );
    const outward = outwardEndpoint(planned);
    const published =
      outward === undefined
        ? []
        : ports.allocate(
            {
              containerId: request.containerId,
              endpoint: `${outward.row.container_name} (${outward.row.endpoint_id})`,
              containerIp: outward.row.ipv4,
            },
            request.publications,
            outward.network.options.hostBinding ?? defaultHostAddress,
          );
    undo.defer(() => ports.release(request.containerId));
    const endpointRows = planned.map(({ row }) => row);
    const portRows = published.map((port) => portRowOf(request.containerId, outward?.row.ipv4 ?? "", port));
    if (endpointRows.length > 0) {
      // Before the kernel: what a crash leaves half made is found again by these rows.
      attachments.insert(request.containerId, { endpoints: endpointRows, ports: portRows });
      undo.defer(() => attachments.delete(request.containerId));
    }
    const fd = makeNamespace(request, planned, outward, published.length > 0);
    undo.defer(() => closeNamespace(fd));
    firewall.publish(portRows.map(firewallPortOf));
    undo.move();
    let open = true;
    return {
      path: `/proc/${process.pid}/fd/${fd}`,
      endpoints: planned.map(({ row, network }) => endpointOf(row, network)),
      ports: published,
      release: () => {
        if (open) closeNamespace(fd);
        open = false;
      },
    };
  };

  const makeNamespace = (
    request: SandboxRequest,
    planned: readonly PlannedEndpoint[],
    outward: PlannedEndpoint | undefined,
    publishes: boolean,
  ): number => {
    const attempt = (): number =>
      makeSandboxNamespace(route, home, {
        interfaces: planned.map((endpoint) =>
          interfacePlanOf(endpoint, {
            index: endpoint.network.index ?? 0,
            mtu: hostMtuOnce(),
            leadsOut: endpoint === outward,
            publishes: publishes && endpoint === outward,
          }),
        ),
        sysctls: request.sysctls ?? {},
      });
    try {
      return attempt();
    } catch (error) {
      if (errorCode(error) !== "ENODEV" && errorCode(error) !== "EINVAL") throw error;
      // Someone removed the bridge: make it again, once.
      for (const { network } of planned) network.index = undefined;
      for (const { network } of planned) remake(network);
      return attempt();
    }
  };

  const remake = (network: BridgeNetwork): void => {
    const { index, created } = ensureBridge(route, deviceOf(network, hostMtuOnce()));
    network.index = index;
    if (!created) return;
    logger.warn("bridge had been removed by another program; made again", { bridge: network.bridgeName });
    rejoinBridge(
      route,
      index,
      endpointRowsOf(network.record.id).map((row) => row.host_interface),
    );
  };

  const releaseContainer = (containerId: string): void => {
    const attachment = attachments.get(containerId);
    if (attachment === undefined) return;
    firewall.unpublish(attachment.ports.map(firewallPortOf));
    ports.release(containerId);
    for (const row of attachment.endpoints) {
      registry.bridge(row.network_id)?.addresses.release(parseIpv4(row.ipv4) ?? 0);
    }
    attachments.delete(containerId);
  };

  const removeNetwork = (reference: string): void => {
    const record = registry.get(reference);
    if (registry.isPredefined(record)) throw errors["network-predefined-remove"](record.name);
    const rows = endpointRowsOf(record.id);
    if (rows.length > 0) {
      const list = rows.map((row) => `name:"${row.container_name}" id:"${shortId(row.endpoint_id)}"`).join(", ");
      throw errors["network-active-endpoints"](record.name, record.id, list);
    }
    const network = registry.bridge(record.id);
    if (network !== undefined) {
      removeBridge(route, network.bridgeName);
      network.index = undefined;
    }
    attachments.flush();
    registry.delete(record.id);
    syncFirewall();
  };

  const verifyTimer = setInterval(() => {
    try {
      firewall.verify({ thorough: true });
    } catch (error) {
      logger.error("cannot verify the firewall", { error: errorMessage(error) });
    }
  }, options.verifyIntervalMs ?? 5000);
  verifyTimer.unref();

  const close = (): void => {
    if (closed) return;
    closed = true;
    clearInterval(verifyTimer);
    attachments.flush();
    ports.close();
    firewall.close();
    route.close();
    closeNamespace(home);
  };

  return {
    list: () => registry.list(),
    get: (reference) => registry.get(reference),
    create: async (request) => {
      const record = registry.add(request);
      try {
        const network = registry.bridge(record.id);
        if (network !== undefined) bringUp(network);
      } catch (error) {
        registry.delete(record.id);
        syncFirewall();
        throw error;
      }
      return record;
    },
    remove: async (reference) => removeNetwork(reference),
    endpointsOf: (networkId) => {
      const network = registry.bridge(networkId);
      if (network === undefined) return [];
      return endpointRowsOf(networkId).map((row) => ({ ...endpointOf(row, network), containerId: row.container_id }));
    },
    createSandbox: async (request) => makeSandbox(request),
    releaseContainer,
    restore: async (liveContainerIds) => {
      for (const [containerId] of attachments.entries()) {
        if (!liveContainerIds.has(containerId)) attachments.delete(containerId);
      }
      const portRows = [...attachments.entries()].flatMap(([, attachment]) => attachment.ports);
      firewall.publish(portRows.map(firewallPortOf));
      const inUse = new Set<BridgeNetwork>();
      for (const [containerId, attachment] of attachments.entries()) {
        for (const row of attachment.endpoints) {
          const network = registry.bridge(row.network_id);
          network?.addresses.take(parseIpv4(row.ipv4) ?? 0);
          if (network !== undefined) inUse.add(network);
        }
        for (const row of attachment.ports) {
          if (ports.restore(containerId, publishedPortOf(row))) continue;
          logger.warn("a published port was taken by a process of the host while the daemon was away", {
            container: shortId(containerId),
            port: `${row.host_ip}:${row.host_port}/${row.protocol}`,
          });
        }
      }
      // Nothing runs: what an earlier daemon left of the table would only point nowhere.
      if (inUse.size === 0) firewall.remove();
      for (const network of inUse) bringUp(network);
    },
    describe: (containerId) => {
      const attachment = attachments.get(containerId);
      return {
        endpoints: (attachment?.endpoints ?? []).flatMap((row) => {
          const network = registry.bridge(row.network_id);
          return network === undefined ? [] : [endpointOf(row, network)];
        }),
        ports: (attachment?.ports ?? []).map(publishedPortOf),
      };
    },
    interfaceCounters: (hostInterface) => {
      const host = linkCounters(route, hostInterface);
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
    close: async () => close(),
    destroy: async () => {
      if (closed) throw new Error("the network service is closed");
      for (const network of registry.bridges()) removeBridge(route, network.bridgeName);
      firewall.remove();
      close();
    },
  };
}
