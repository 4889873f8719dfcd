import { openSync } from "node:fs";
import { errorMessage, type Logger, shortId } from "#base";
import type { NetworkEndpointRow } from "#db";
import { closeNamespace, errorCode, type NetlinkSocket, setBridgePort } from "#linux";
import type { Attachments } from "./attachments.ts";
import type {
  ConnectRequest,
  Endpoint,
  JoinRequest,
  LiveContainer,
  NameServerSettings,
  PortPublication,
  Sandbox,
  SandboxRequest,
} from "./contract.ts";
import type { NameService } from "./dns/name-service.ts";
import { errors } from "./errors.ts";
import type { Firewall } from "./firewall/firewall.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import type { NetworkUpkeep } from "./network-upkeep.ts";
import { type AllocatedPort, isTranslated, type PortAllocator } from "./ports/port-allocator.ts";
import {
  addInterface,
  deleteInterface,
  checkSysctls,
  enterNamespace,
  makeSandboxNamespace,
  type OpenNamespace,
  removeInterface,
  setRoutes,
} from "./sandbox-namespace.ts";
import {
  addressesOf,
  endpointOf,
  allocatedPortOf,
  firewallPortsOf,
  type HeldEndpoint,
  interfacePlanOf,
  planEndpoint,
  type PlannedEndpoint,
  portRowOf,
  portTargetsOf,
  publishedPortOf,
  routesOf,
} from "./sandbox-plan.ts";
import type { WorkingNetwork } from "./working-network.ts";

/** Containers' namespaces: what is in them, and what of the host belongs to them. */
export type Sandboxes = {
  create(request: SandboxRequest): Sandbox;
  connect(request: ConnectRequest, join: JoinRequest): Endpoint;
  disconnect(request: ConnectRequest, networkId: string): Promise<boolean>;
  release(containerId: string): void;
  /** Takes over what a live container holds since before the daemon started; its networks are up. */
  restore(containerId: string, live: LiveContainer): Promise<void>;
  /** A container's endpoints with their networks. */
  held(containerId: string): readonly HeldEndpoint[];
};

type Parts = {
  readonly route: NetlinkSocket;
  readonly home: number;
  readonly registry: NetworkRegistry;
  readonly attachments: Attachments;
  readonly ports: PortAllocator;
  readonly firewall: Firewall;
  readonly upkeep: NetworkUpkeep;
  readonly names: NameService;
  readonly logger: Logger;
  /** Host address of ports published without one, on networks that say nothing. */
  readonly defaultHostAddress: string;
};

const RESTORE_TRIES = 100;
const RESTORE_PAUSE_MS = 20;

export function createSandboxes(parts: Parts): Sandboxes {
  const { route, home, registry, attachments, ports, firewall, upkeep, names, logger } = parts;
  const isDefault = (network: WorkingNetwork): boolean => registry.isPredefined(network.record);

  const held = (containerId: string): readonly HeldEndpoint[] =>
    (attachments.get(containerId)?.endpoints ?? []).flatMap((row) => {
      const network = registry.working(row.network_id);
      return network === undefined ? [] : [{ network, row }];
    });

  const networkFor = (join: JoinRequest, isAlone: boolean): WorkingNetwork | undefined => {
    const record = registry.get(join.network);
    const network = registry.working(record.id);
    if (network !== undefined) return upkeep.bringUp(network);
    if (record.configOnly) throw errors["network-config-only"]();
    if (record.driver === "null" && isAlone) return undefined;
    throw errors["network-not-for-many"](record.driver === "null" ? "null" : "host");
  };

  const plan = (
    request: { readonly containerId: string; readonly containerName?: string | undefined },
    network: WorkingNetwork,
    join: JoinRequest,
    others: readonly NetworkEndpointRow[],
    undo: DisposableStack,
  ): PlannedEndpoint =>
    planEndpoint({
      containerId: request.containerId,
      containerName: request.containerName,
      network,
      join,
      isDefault: isDefault(network),
      others,
      onTaken: (address) => undo.defer(() => network.pools.release(address)),
    });

  const allocatePorts = (
    containerId: string,
    endpoints: readonly HeldEndpoint[],
    publications: readonly PortPublication[],
    how: "allocate" | "reallocate" = "allocate",
  ): readonly AllocatedPort[] => {
    const targets = portTargetsOf(endpoints);
    const outward = endpoints.find(({ row }) =>
      targets.some(({ containerIp }) => containerIp === row.ipv4 || containerIp === row.ipv6),
    );
    if (outward === undefined || publications.length === 0) {
      ports.release(containerId);
      return [];
    }
    const { row, network } = outward;
    // The default bridge's is the daemon's, which may have been told another since the network was made.
    const hostBinding = network.driver === "bridge" && !isDefault(network) ? network.options.hostBinding : undefined;
    return ports[how](
      { containerId, endpoint: `${row.container_name} (${row.endpoint_id})`, targets },
      publications,
      hostBinding ?? parts.defaultHostAddress,
    );
  };

  const interfacePlans = (endpoints: readonly PlannedEndpoint[], published: readonly AllocatedPort[]) =>
    endpoints.map((endpoint) => interfacePlanOf(endpoint, hostSide(endpoint, published)));

  const hostSide = ({ row }: HeldEndpoint, published: readonly AllocatedPort[]) => ({
    mtu: upkeep.mtu(),
    hairpin: published.some(({ containerIp }) => containerIp === row.ipv4 || containerIp === row.ipv6),
  });

  const makeNamespace = (
    request: SandboxRequest,
    planned: readonly PlannedEndpoint[],
    published: readonly AllocatedPort[],
  ): number => {
    const { containerId } = request;
    const settings = request.nameServer ?? { servers: [] };
    const openInside = planned.some(names.hasNames) ? () => names.open(containerId, settings) : undefined;
    const attempt = (): number =>
      makeSandboxNamespace(route, home, {
        interfaces: interfacePlans(planned, published),
        routes: routesOf(planned),
        sysctls: request.sysctls ?? {},
        openInside,
        namespace: request.namespace,
      });
    try {
      return attempt();
    } catch (error) {
      if (errorCode(error) !== "ENODEV" && errorCode(error) !== "EINVAL") throw error;
      // Someone removed the bridge: make it again, once.
      for (const { network } of planned) upkeep.remake(network);
      return attempt();
    }
  };

  const release = (containerId: string): void => {
    names.close(containerId);
    const attachment = attachments.get(containerId);
    if (attachment === undefined) return;
    firewall.unpublish(firewallPortsOf(attachment.ports));
    ports.release(containerId);
    for (const { network, row } of held(containerId)) forget(network, row);
    attachments.delete(containerId);
  };

  const forget = (network: WorkingNetwork, row: NetworkEndpointRow): void => {
    names.withdraw(row.endpoint_id);
    for (const address of addressesOf(row)) network.pools.release(address);
  };

  const create = (request: SandboxRequest): Sandbox => {
    const { containerId } = request;
    checkSysctls(request.sysctls ?? {});
    release(containerId);
    firewall.verify({ thorough: false });
    using undo = new DisposableStack();
    const planned: PlannedEndpoint[] = [];
    for (const join of request.networks) {
      const network = networkFor(join, request.networks.length === 1);
      if (network === undefined) continue;
      const others = planned.map(({ row }) => row);
      planned.push(plan(request, network, join, others, undo));
    }
    const published = allocatePorts(containerId, planned, request.publications);
    undo.defer(() => ports.release(containerId));
    const endpointRows = planned.map(({ row }) => row);
    const portRows = published.map((port) => portRowOf(containerId, port));
    if (endpointRows.length > 0) {
      // Before the kernel: what a crash leaves half made is found again by these rows.
      attachments.insert(containerId, { endpoints: endpointRows, ports: portRows });
      undo.defer(() => attachments.delete(containerId));
    }
    undo.defer(() => names.close(containerId));
    const fd = makeNamespace(request, planned, published);
    let open = request.namespace === undefined;
    const close = () => {
      if (open) closeNamespace(fd);
      open = false;
    };
    undo.defer(close);
    firewall.publish(firewallPortsOf(portRows));
    for (const endpoint of planned) names.announce(endpoint);
    undo.move();
    return {
      path: `/proc/${process.pid}/fd/${fd}`,
      endpoints: planned.map(endpointOf),
      ports: portRows.map(publishedPortOf),
      hasNameServer: names.isOpen(containerId),
      release: close,
    };
  };

  const enter = (path: string, openInside?: () => void): OpenNamespace =>
    enterNamespace(home, openSync(path, "r"), openInside);

  /** Publishes a container's ports by the networks that lead out now. All or nothing: what was stays on failure. */
  const republish = (containerId: string, publications: readonly PortPublication[]): void => {
    const before = attachments.get(containerId)?.ports ?? [];
    const endpoints = held(containerId);
    const after = portTargetsOf(endpoints).map(({ containerIp }) => containerIp);
    const isSame = before.length > 0 && before.every((row) => after.includes(row.container_ip));
    const reached = new Set(before.map((row) => row.container_ip));
    if (publications.length === 0 || (isSame && after.every((ip) => reached.has(ip)))) return;
    // A port that was chosen once stays.
    const kept = publications.map((publication): PortPublication => {
      const row = before.find(
        (port) =>
          port.container_port === publication.containerPort &&
          port.protocol === publication.protocol &&
          port.host_port > 0,
      );
      return publication.hostPort > 0 || row === undefined ? publication : { ...publication, hostPort: row.host_port };
    });
    firewall.unpublish(firewallPortsOf(before));
    try {
      const published = allocatePorts(containerId, endpoints, kept, "reallocate");
      const rows = published.map((port) => portRowOf(containerId, port));
      attachments.replacePorts(containerId, rows);
      for (const { network, row } of endpoints) {
        if (network.driver !== "bridge" || !hostSide({ network, row }, published).hairpin) continue;
        route.send(setBridgePort(row.host_interface, { hairpin: true, isolated: !network.options.interContainer }));
      }
      firewall.publish(firewallPortsOf(rows));
    } catch (error) {
      firewall.publish(firewallPortsOf(before));
      throw error;
    }
  };

  const openNameServerIn = (containerId: string, settings: NameServerSettings) => (): void => {
    if (!names.isOpen(containerId)) names.open(containerId, settings);
  };

  /** An earlier daemon's forwarder may take a moment to notice that it has gone, and holds its ports until then. */
  const restorePort = async (containerId: string, port: AllocatedPort): Promise<boolean> => {
    for (let tries = 0; tries < RESTORE_TRIES; tries++) {
      if (ports.restore(containerId, port)) return true;
      if (isTranslated(port) && port.hostIp !== "::") break;
      await Bun.sleep(RESTORE_PAUSE_MS);
    }
    ports.claim(containerId, port);
    return false;
  };

  return {
    create,
    held,
    release,
    connect: (request, join) => {
      const { containerId, containerName } = request;
      firewall.verify({ thorough: false });
      const network = networkFor(join, false);
      if (network === undefined) throw errors["network-not-for-many"]("null");
      const before = held(containerId);
      if (before.some(({ row }) => row.network_id === network.record.id)) {
        throw errors["network-endpoint-exists"](containerName, network.record.name);
      }
      using undo = new DisposableStack();
      const planned = plan(
        request,
        network,
        join,
        before.map(({ row }) => row),
        undo,
      );
      const { row } = planned;
      attachments.insert(containerId, { endpoints: [row], ports: [] });
      undo.defer(() => attachments.deleteEndpoint(containerId, row.endpoint_id));
      const opensServer = names.hasNames(planned) && !names.isOpen(containerId);
      const inside = enter(
        request.namespacePath,
        opensServer ? openNameServerIn(containerId, request.nameServer) : undefined,
      );
      try {
        if (opensServer) undo.defer(() => names.close(containerId));
        addInterface(route, home, inside, interfacePlanOf(planned, { mtu: upkeep.mtu(), hairpin: false }));
        undo.defer(() => {
          removeInterface(inside, row.interface_name);
          setRoutes(inside, routesOf(before));
        });
        setRoutes(inside, routesOf(held(containerId)));
        republish(containerId, request.publications);
        names.announce(planned);
        undo.move();
      } finally {
        undo.dispose();
        inside.close();
      }
      return endpointOf(planned);
    },
    disconnect: async (request, networkId) => {
      const { containerId } = request;
      const leaving = held(containerId).find(({ row }) => row.network_id === networkId);
      if (leaving === undefined) return false;
      const { network, row } = leaving;
      const inside = enter(request.namespacePath);
      try {
        names.withdraw(row.endpoint_id);
        await deleteInterface(inside, row.interface_name);
        // The container may have ended meanwhile, and given everything back.
        if (!held(containerId).some((endpoint) => endpoint.row.endpoint_id === row.endpoint_id)) return true;
        attachments.deleteEndpoint(containerId, row.endpoint_id);
        forget(network, row);
        setRoutes(inside, routesOf(held(containerId)));
        if ((attachments.get(containerId)?.ports ?? []).length > 0) republish(containerId, request.publications);
      } finally {
        inside.close();
      }
      return true;
    },
    restore: async (containerId, live) => {
      const attachment = attachments.get(containerId);
      const endpoints = held(containerId);
      for (const endpoint of endpoints) {
        for (const address of addressesOf(endpoint.row)) endpoint.network.pools.take(address);
        names.announce(endpoint);
      }
      for (const row of attachment?.ports ?? []) {
        if (row.host_port === 0 || (await restorePort(containerId, allocatedPortOf(row)))) continue;
        logger.warn("a published port was taken by a process of the host while the daemon was away", {
          container: shortId(containerId),
          port: `${row.host_ip}:${row.host_port}/${row.protocol}`,
        });
      }
      if (!endpoints.some(names.hasNames)) return;
      try {
        enter(live.namespacePath, openNameServerIn(containerId, live.nameServer)).close();
      } catch (error) {
        logger.error("the name server of a container could not be opened again", {
          container: shortId(containerId),
          error: errorMessage(error),
        });
      }
    },
  };
}
