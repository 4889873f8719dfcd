import { randomBytes } from "node:crypto";
import {
  addAddress,
  addBridge,
  deleteAddress,
  deleteLink,
  errorCode,
  findLink,
  listAddresses,
  listLinks,
  listRoutes,
  type NetlinkSocket,
  readSysctl,
  setLinkMaster,
  setLinkUp,
  writeSysctl,
} from "#linux";
import { errors } from "../errors.ts";
import { addressOfBytes, bytesOf, macAddressOf, parseIp, sameAddress, type Subnet } from "../ipam/ip-address.ts";

/** A bridge as the host should have it. */
export type BridgeDevice = {
  readonly name: string;
  /** The bridge's own addresses, which are the containers' gateways, and the prefixes of their subnets. */
  readonly addresses: readonly Subnet[];
  readonly ipv6: boolean;
  /**
   * Containers, which do not see each other on it, are led to each other through the host, whose firewall then says who
   * reaches whom: what links need.
   */
  readonly leadsBetweenPorts: boolean;
  /** The kernel is told to forward between interfaces. */
  readonly forwards: boolean;
  readonly mtu: number;
};

/** The MTU of the host's way out: a larger one in the containers would stall TCP where path MTU discovery fails. */
export function hostMtu(socket: NetlinkSocket): number {
  const route = listRoutes(socket).find((candidate) => candidate.prefixLength === 0 && candidate.table === 254);
  return listLinks(socket).find((link) => link.index === route?.interfaceIndex)?.mtu ?? 1500;
}

/** The router's address on every IPv6 link of ours, as Docker has it. */
const linkLocal: Subnet = { ...(parseIp("fe80::1") ?? { family: 6, value: 0n }), prefixLength: 64 };

/**
 * Makes the bridge, or completes an existing one: addresses, MTU at creation, up, kernel settings. Idempotent.
 * Returns its interface index and whether it was made just now.
 */
export function ensureBridge(
  socket: NetlinkSocket,
  device: BridgeDevice,
): { readonly index: number; readonly created: boolean } {
  let link = findLink(socket, device.name);
  const created = link === undefined;
  if (link === undefined) {
    const address = device.addresses.find(({ family }) => family === 4);
    const macAddress = address === undefined ? randomMacAddress() : macAddressOf(address);
    socket.send(addBridge({ name: device.name, mtu: device.mtu, macAddress }));
    link = findLink(socket, device.name);
  }
  if (link?.kind !== "bridge") throw errors["network-interface-exists"](device.name);
  const { index } = link;
  // Before it has an address: nothing may be reachable with the wrong settings.
  applyKernelSettings(socket, device);
  const wanted = device.ipv6 ? [...device.addresses, linkLocal] : device.addresses;
  const same = (one: Subnet, other: Subnet): boolean =>
    sameAddress(one, other) && one.prefixLength === other.prefixLength;
  const present = listAddresses(socket).flatMap(({ interfaceIndex, address, prefixLength }): Subnet[] =>
    interfaceIndex === index ? [{ ...addressOfBytes(address), prefixLength }] : [],
  );
  const request = (subnet: Subnet) => ({
    interfaceIndex: index,
    address: bytesOf(subnet),
    prefixLength: subnet.prefixLength,
  });
  for (const one of present) {
    // An address that the kernel made itself (fe80::…) is no harm; without IPv4 of ours, an administrator's stays.
    const isOurs = one.family === 6 ? !isLinkLocal(one) : wanted.some(({ family }) => family === 4);
    if (isOurs && !wanted.some((other) => same(one, other))) socket.send(deleteAddress(request(one)));
  }
  for (const one of wanted) if (!present.some((other) => same(one, other))) socket.send(addAddress(request(one)));
  if (!link.up) socket.send(setLinkUp(device.name));
  return { index, created };
}

function isLinkLocal({ value }: Subnet): boolean {
  return value >> 118n === 0x3fan;
}

/** Locally administered, for one machine. */
export function randomMacAddress(): string {
  const bytes = randomBytes(6);
  bytes.writeUInt8((bytes.readUInt8(0) & 0xfc) | 0x02, 0);
  return bytes.toString("hex").replace(/..(?=.)/g, "$&:");
}

function applyKernelSettings(socket: NetlinkSocket, { name, ipv6, forwards, leadsBetweenPorts }: BridgeDevice): void {
  // Answers of containers to connections that came to 127.0.0.1 of the host return by this interface; packets that
  // containers send to 127/8 themselves are dropped by the firewall (raw_prerouting).
  writeSysctl(`net/ipv4/conf/${name}/route_localnet`, "1");
  if (leadsBetweenPorts) {
    // The host answers for the containers (RFC 3069; ip-sysctl: proxy_arp_pvlan), at once.
    writeSysctl(`net/ipv4/conf/${name}/proxy_arp_pvlan`, "1");
    writeSysctl(`net/ipv4/neigh/${name}/proxy_delay`, "0");
  }
  // Without IPv6 on the network: no link-local address by which containers reach the host past the firewall.
  writeIpv6Sysctl(`net/ipv6/conf/${name}/disable_ipv6`, ipv6 ? "0" : "1");
  if (ipv6) {
    writeIpv6Sysctl(`net/ipv6/conf/${name}/accept_ra`, "0");
    if (forwards) forwardIpv6(socket);
  }
  if (forwards && readSysctl("net.ipv4.ip_forward") !== "1") writeSysctl("net.ipv4.ip_forward", "1");
}

function writeIpv6Sysctl(name: string, value: string): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    // ENOENT: a kernel without IPv6 has nothing to set.
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/**
 * Lets the host forward IPv6. A forwarding host ignores router advertisements unless told otherwise, and would lose its
 * own way out: interfaces that listened to them keep doing so (ip-sysctl: accept_ra = 2).
 */
function forwardIpv6(socket: NetlinkSocket): void {
  if (readSysctl("net.ipv6.conf.all.forwarding") === "1") return;
  for (const { name, loopback } of listLinks(socket)) {
    if (loopback) continue;
    const path = `net/ipv6/conf/${name}/accept_ra`;
    if (readSysctl(path) === "1") writeIpv6Sysctl(path, "2");
  }
  writeIpv6Sysctl("net.ipv6.conf.all.forwarding", "1");
}

/** Puts the host sides of live containers back into a bridge that had to be made again; ones that have gone are skipped. */
export function rejoinBridge(socket: NetlinkSocket, bridgeIndex: number, hostInterfaces: readonly string[]): void {
  for (const name of hostInterfaces) {
    try {
      socket.send(setLinkMaster(name, bridgeIndex));
    } catch (error) {
      if (errorCode(error) !== "ENODEV") throw error;
    }
  }
}

/** Removes a bridge; no error when it is not there. Blocks some 30 ms in the kernel. */
export function removeBridge(socket: NetlinkSocket, name: string): void {
  if (findLink(socket, name)?.kind === "bridge") socket.send(deleteLink(name));
}

/** Networks the host is in or has a route to (default routes and link-local ones aside), but for those on the named bridges. */
export function hostSubnets(socket: NetlinkSocket, exceptBridges: readonly string[]): readonly Subnet[] {
  const own = new Set(listLinks(socket).flatMap((link) => (exceptBridges.includes(link.name) ? [link.index] : [])));
  const routes = listRoutes(socket).filter((route) => route.prefixLength > 0 && !own.has(route.interfaceIndex));
  const addresses = listAddresses(socket).filter((address) => !own.has(address.interfaceIndex));
  return [
    ...routes.map((route): Subnet => ({ ...addressOfBytes(route.destination), prefixLength: route.prefixLength })),
    ...addresses.map((address): Subnet => ({ ...addressOfBytes(address.address), prefixLength: address.prefixLength })),
  ].filter((subnet) => subnet.family === 4 || !isLinkLocal(subnet));
}
