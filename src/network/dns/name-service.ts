import { errorMessage, type Logger, shortId } from "#base";
import { insideNetworkNamespace } from "#linux";
import type { Attachments } from "../attachments.ts";
import type { NameServerSettings } from "../contract.ts";
import { parseIp } from "../ipam/ip-address.ts";
import type { NetworkRegistry } from "../network-registry.ts";
import { addressesOf, type HeldEndpoint, outwardEndpoint, settingsOf } from "../sandbox-plan.ts";
import type { LocalKnowledge } from "./answer.ts";
import type { Upstream } from "./forwarder.ts";
import { createHostResolvers } from "./host-resolvers.ts";
import { type NameServer, openNameServer } from "./name-server.ts";
import { createNameTable } from "./name-table.ts";

/** Names of containers and the name servers that tell them. */
export type NameService = {
  /** True for networks whose containers have names: those of users. */
  hasNames(endpoint: HeldEndpoint): boolean;
  /** Makes an endpoint's names known to its neighbours; idempotent. */
  announce(endpoint: HeldEndpoint): void;
  /** Idempotent. */
  withdraw(endpointId: string): void;
  /**
   * Opens a container's name server in the namespace the calling thread is in, in the place of one that was opened for
   * it before.
   */
  open(containerId: string, settings: NameServerSettings): void;
  isOpen(containerId: string): boolean;
  /** Idempotent. */
  close(containerId: string): void;
  closeAll(): void;
};

export function createNameService(parts: {
  readonly home: number;
  readonly registry: NetworkRegistry;
  readonly attachments: Attachments;
  readonly logger: Logger;
}): NameService {
  const { home, registry, attachments } = parts;
  const names = createNameTable();
  const servers = new Map<string, NameServer>();
  const hostResolvers = createHostResolvers();

  const hasNames = ({ network }: HeldEndpoint): boolean => !registry.isPredefined(network.record);

  const endpointsOf = (containerId: string): readonly HeldEndpoint[] =>
    (attachments.get(containerId)?.endpoints ?? []).flatMap((row) => {
      const network = registry.working(row.network_id);
      return network === undefined ? [] : [{ network, row }];
    });

  const knowledgeOf = (containerId: string, settings: NameServerSettings): LocalKnowledge => {
    const endpoints = endpointsOf(containerId).filter(hasNames);
    return {
      names,
      networks: endpoints.map(({ network, row }) => ({
        networkId: network.record.id,
        networkName: network.record.name,
        links: settingsOf(row).links,
      })),
      isOurs: (address) => endpoints.some(({ network }) => network.pools.containing(address) !== undefined),
      // Whoever names a server of his own may well mean it for such names.
      forwardsSingleLabels: settings.servers.length > 0,
    };
  };

  const upstreamsOf = (containerId: string, settings: NameServerSettings): readonly Upstream[] => {
    if (settings.servers.length > 0) return settings.servers.map((address) => ({ address, from: "container" }));
    const endpoints = endpointsOf(containerId);
    const hasWayOut = (family: 4 | 6): boolean => outwardEndpoint(endpoints, family) !== undefined;
    // On internal networks only, nothing may leave: not even a question, which can carry a message (CVE-2024-29018).
    if (!hasWayOut(4) && !hasWayOut(6)) return [];
    return hostResolvers().map((address): Upstream => {
      const family = parseIp(address)?.family ?? 4;
      const isLoopback = family === 4 ? address.startsWith("127.") : address === "::1";
      return { address, from: isLoopback || !hasWayOut(family) ? "host" : "container" };
    });
  };

  const close = (containerId: string): void => {
    const server = servers.get(containerId);
    servers.delete(containerId);
    server?.close();
  };

  return {
    hasNames,
    announce: (endpoint) => {
      if (!hasNames(endpoint)) return;
      names.set({
        endpointId: endpoint.row.endpoint_id,
        networkId: endpoint.network.record.id,
        names: settingsOf(endpoint.row).names,
        addresses: addressesOf(endpoint.row),
      });
    },
    withdraw: (endpointId) => names.delete(endpointId),
    open: (containerId, settings) => {
      close(containerId);
      const server = openNameServer((namespace, work) => insideNetworkNamespace(home, namespace, work), {
        knowledge: () => knowledgeOf(containerId, settings),
        upstreams: () => upstreamsOf(containerId, settings),
      });
      servers.set(containerId, server);
    },
    isOpen: (containerId) => servers.has(containerId),
    close,
    closeAll: () => {
      for (const containerId of [...servers.keys()]) {
        try {
          close(containerId);
        } catch (error) {
          parts.logger.error("name server did not close", {
            container: shortId(containerId),
            error: errorMessage(error),
          });
        }
      }
    },
  };
}
