import {
  addAddress,
  addChildLink,
  addVeth,
  closeNamespace,
  createNetworkNamespace,
  deleteDefaultRoute,
  deleteLink,
  deleteLinkElsewhere,
  errorCode,
  findLink,
  insideNetworkNamespace,
  KernelError,
  NETLINK_ROUTE,
  type NetlinkRequest,
  type NetlinkSocket,
  openNetlink,
  setBridgePort,
  setDefaultRoute,
  setLinkUp,
  sysctlPath,
  writeSysctl,
} from "#linux";
import { errors } from "./errors.ts";
import { bytesOf, type Family, type IpAddress, type Subnet } from "./ipam/ip-address.ts";
import type { LanOptions } from "./lan/options.ts";

/** One interface of a namespace. */
export type InterfacePlan = {
  readonly name: string;
  readonly macAddress: string;
  readonly addresses: readonly Subnet[];
  readonly mtu: number | undefined;
  /** It has IPv6, without which its namespace leaves it. */
  readonly ipv6: boolean;
  /** Settings of this interface. */
  readonly sysctls: readonly (readonly [string, string])[];
  readonly attachment:
    | {
        readonly kind: "bridge";
        readonly hostInterface: string;
        readonly bridgeIndex: number;
        readonly hairpin: boolean;
        readonly isolated: boolean;
      }
    | { readonly kind: "lan"; readonly parentIndex: number; readonly options: LanOptions };
};

/** The way out in one family: by a gateway, or to everything on an interface. */
export type RoutePlan = {
  readonly family: Family;
  readonly interfaceName: string;
  readonly gateway: IpAddress | undefined;
};

/** Called with the thread in the new namespace, its loopback up: opens what is to live there. */
type OpenInside = (route: NetlinkSocket) => void;

export type NamespacePlan = {
  readonly interfaces: readonly InterfacePlan[];
  readonly routes: readonly RoutePlan[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** Called again when the namespace had to be made again. */
  readonly openInside: OpenInside | undefined;
  /** The namespace to furnish, which stays open when that fails; undefined for a new one. */
  readonly namespace?: number | undefined;
};

/** Docker's settings for a namespace of the container's own; a user's sysctls come after and win. */
const defaultSysctls: readonly (readonly [string, string])[] = [
  ["net.ipv4.ping_group_range", "0 2147483647"],
  ["net.ipv4.ip_unprivileged_port_start", "0"],
];

/**
 * No IPv6 on interfaces made from here on (loopback keeps ::1): a network without IPv6 must not get an address from
 * another container's router advertisement (CVE-2020-13401).
 */
const withoutIpv6: readonly (readonly [string, string])[] = [
  ["net.ipv6.conf.default.accept_ra", "0"],
  ["net.ipv6.conf.default.disable_ipv6", "1"],
];

/** Checks names before anything is made; throws invalid for one that is not in a network namespace. */
export function checkSysctls(sysctls: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(sysctls)) {
    const path = sysctlPath(name);
    if (!path.startsWith("net/") || path.split("/").includes("..") || path.includes("\0")) {
      throw errors["network-invalid-sysctl"](name);
    }
  }
}

/**
 * Makes a namespace with its interfaces configured and up, and returns its handle. About 1.3 ms with one interface.
 * On failure nothing stays: closing the namespace makes the kernel remove the interfaces.
 * @param host socket in the host's namespace
 * @param home the host's namespace
 */
export function makeSandboxNamespace(host: NetlinkSocket, home: number, plan: NamespacePlan): number {
  let inside: NetlinkSocket | undefined;
  const sysctls = Object.entries(plan.sysctls);
  const furnish = () => {
    inside?.close();
    for (const [name, value] of [...defaultSysctls, ...withoutIpv6]) writeIfKnown(name, value);
    for (const entry of sysctls) if (!namesInterface(entry[0])) writeRequested(entry);
    inside = openNetlink(NETLINK_ROUTE);
    inside.send(setLinkUp("lo"));
    plan.openInside?.(inside);
  };
  const fd = plan.namespace ?? createNetworkNamespace(home, furnish);
  try {
    if (plan.namespace !== undefined) insideNetworkNamespace(home, fd, furnish);
    if (inside !== undefined) configure({ host, inside, home, namespace: fd }, plan.interfaces, plan.routes);
    const later = sysctls.filter(([name]) => namesInterface(name));
    if (later.length > 0) insideNetworkNamespace(home, fd, () => later.forEach(writeRequested));
    return fd;
  } catch (error) {
    if (plan.namespace === undefined) closeNamespace(fd);
    else if (inside !== undefined) for (const { name } of plan.interfaces) removeFrom(inside, name);
    throw error;
  } finally {
    inside?.close();
  }
}

/** Where interfaces are made: the host's side and the container's. */
type Sides = {
  readonly host: NetlinkSocket;
  readonly inside: NetlinkSocket;
  readonly home: number;
  readonly namespace: number;
};

function configure(sides: Sides, interfaces: readonly InterfacePlan[], routes: readonly RoutePlan[]): void {
  const { host, inside, home, namespace } = sides;
  for (const plan of interfaces) makeLink(host, namespace, plan);
  // Before they are up and have addresses. Rare enough to be worth no place in the common way.
  const withIpv6 = interfaces.filter((plan) => plan.ipv6);
  if (withIpv6.length > 0) insideNetworkNamespace(home, namespace, () => withIpv6.forEach(enableIpv6));
  for (const plan of interfaces) {
    const interfaceIndex = indexOf(inside, plan.name);
    // One write: the kernel works through them in order.
    inside.send(
      ...plan.addresses.map((address) =>
        addAddress({ interfaceIndex, address: bytesOf(address), prefixLength: address.prefixLength }),
      ),
      setLinkUp(plan.name),
      ...routes
        .filter(({ interfaceName }) => interfaceName === plan.name)
        .map((route) => routeBy(route, interfaceIndex)),
    );
  }
  const withSysctls = interfaces.filter((plan) => plan.sysctls.length > 0);
  if (withSysctls.length > 0) {
    insideNetworkNamespace(home, namespace, () => withSysctls.forEach((plan) => plan.sysctls.forEach(writeRequested)));
  }
}

function routeBy({ family, gateway }: RoutePlan, interfaceIndex: number): NetlinkRequest {
  return setDefaultRoute({ family, gateway: gateway === undefined ? undefined : bytesOf(gateway), interfaceIndex });
}

function indexOf(inside: NetlinkSocket, name: string): number {
  const index = findLink(inside, name)?.index;
  if (index === undefined) throw new KernelError(`find ${name} in the container's namespace`, 19);
  return index;
}

function makeLink(host: NetlinkSocket, namespace: number, plan: InterfacePlan): void {
  const { name, macAddress, attachment } = plan;
  if (attachment.kind === "bridge") {
    host.send(
      addVeth({
        name: attachment.hostInterface,
        master: attachment.bridgeIndex,
        peerName: name,
        peerMacAddress: macAddress,
        peerNamespace: namespace,
        mtu: plan.mtu ?? 1500,
      }),
    );
    if (attachment.hairpin || attachment.isolated) host.send(setBridgePort(attachment.hostInterface, attachment));
    return;
  }
  const { options, parentIndex } = attachment;
  const link = { name, parentIndex, namespace, mtu: plan.mtu };
  host.send(
    options.driver === "macvlan"
      ? addChildLink({ ...link, kind: "macvlan", mode: options.mode, macAddress })
      : addChildLink({ ...link, kind: "ipvlan", mode: options.mode, flag: options.flag }),
  );
}

function enableIpv6({ name }: InterfacePlan): void {
  writeIfKnown(`net/ipv6/conf/${name}/disable_ipv6`, "0");
  writeIfKnown(`net/ipv6/conf/${name}/accept_ra`, "0");
}

/** A namespace that is there already, open for changes; close it with `close`. */
export type OpenNamespace = {
  readonly route: NetlinkSocket;
  readonly fd: number;
  close(): void;
};

/**
 * Opens a running container's namespace. `openInside` runs in it.
 * @param fd a handle on it, which goes over to the result
 */
export function enterNamespace(home: number, fd: number, openInside?: OpenInside): OpenNamespace {
  const route = insideNetworkNamespace(home, fd, () => {
    const socket = openNetlink(NETLINK_ROUTE);
    openInside?.(socket);
    return socket;
  });
  return {
    route,
    fd,
    close: () => {
      route.close();
      closeNamespace(fd);
    },
  };
}

/** Gives a running container one more interface; takes it away again when that fails. */
export function addInterface(host: NetlinkSocket, home: number, namespace: OpenNamespace, plan: InterfacePlan): void {
  try {
    configure({ host, inside: namespace.route, home, namespace: namespace.fd }, [plan], []);
  } catch (error) {
    removeInterface(namespace, plan.name);
    throw error;
  }
}

/** As `removeInterface`, without blocking this thread; the namespace's socket is not to be used meanwhile. */
export async function deleteInterface(namespace: OpenNamespace, name: string): Promise<void> {
  try {
    await deleteLinkElsewhere(namespace.route, name);
  } catch (error) {
    if (errorCode(error) !== "ENODEV") throw error;
  }
}

/** Takes an interface from a container. Blocks some 30 ms in the kernel. No error when it has gone. */
export function removeInterface(namespace: OpenNamespace, name: string): void {
  removeFrom(namespace.route, name);
}

function removeFrom(inside: NetlinkSocket, name: string): void {
  try {
    inside.send(deleteLink(name));
  } catch (error) {
    if (errorCode(error) !== "ENODEV") throw error;
  }
}

/** Makes a running container's ways out be exactly these. */
export function setRoutes(namespace: OpenNamespace, routes: readonly RoutePlan[]): void {
  for (const family of [4, 6] as const) {
    const route = routes.find((candidate) => candidate.family === family);
    if (route !== undefined) {
      namespace.route.send(routeBy(route, indexOf(namespace.route, route.interfaceName)));
      continue;
    }
    try {
      namespace.route.send(deleteDefaultRoute(family));
    } catch (error) {
      // ESRCH: there was none. EAFNOSUPPORT, EOPNOTSUPP: a kernel without IPv6.
      if (!["ESRCH", "EAFNOSUPPORT", "EOPNOTSUPP"].includes(errorCode(error) ?? "")) throw error;
    }
  }
}

/** True for a setting of one interface, which must be there first. */
function namesInterface(name: string): boolean {
  return /\/(conf|neigh)\/(?!(all|default|lo)\/)/.test(sysctlPath(name));
}

function writeIfKnown(name: string, value: string): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    // ENOENT: this kernel lacks the feature (no IPv6), so there is nothing to set.
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

function writeRequested([name, value]: readonly [string, string]): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    throw errors["network-sysctl-refused"](name, value, errorCode(error) ?? "unknown error");
  }
}
