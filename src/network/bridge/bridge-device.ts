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
import { macAddressOf, type Subnet } from "../ipam/ipv4.ts";

/** A bridge as the host should have it. */
export type BridgeDevice = {
  readonly name: string;
  /** The bridge's own address, which is the containers' gateway, and the prefix of its subnet. */
  readonly gateway: Subnet;
  readonly mtu: number;
};

/** The MTU of the host's way out: a larger one in the containers would stall TCP where path MTU discovery fails. */
export function hostMtu(socket: NetlinkSocket): number {
  const route = listRoutes(socket).find((candidate) => candidate.prefixLength === 0 && candidate.table === 254);
  return listLinks(socket).find((link) => link.index === route?.interfaceIndex)?.mtu ?? 1500;
}

/**
 * Makes the bridge, or completes an existing one: address, MTU at creation, up, kernel settings. Idempotent.
 * Returns its interface index and whether it was made just now.
 */
export function ensureBridge(
  socket: NetlinkSocket,
  device: BridgeDevice,
): { readonly index: number; readonly created: boolean } {
  let link = findLink(socket, device.name);
  const created = link === undefined;
  if (link === undefined) {
    socket.send(addBridge({ name: device.name, mtu: device.mtu, macAddress: macAddressOf(device.gateway.address) }));
    link = findLink(socket, device.name);
  }
  if (link?.kind !== "bridge") throw errors["network-interface-exists"](device.name);
  const { index } = link;
  // Before it has an address: nothing may be reachable with the wrong settings.
  applyKernelSettings(device.name);
  const present = listAddresses(socket).filter((address) => address.interfaceIndex === index);
  const wanted = { interfaceIndex: index, ...device.gateway };
  const isWanted = (address: Subnet): boolean =>
    address.address === wanted.address && address.prefixLength === wanted.prefixLength;
  for (const address of present) if (!isWanted(address)) socket.send(deleteAddress(address));
  if (!present.some(isWanted)) socket.send(addAddress(wanted));
  if (!link.up) socket.send(setLinkUp(device.name));
  return { index, created };
}

function applyKernelSettings(bridge: string): void {
  // Answers of containers to connections that came to 127.0.0.1 of the host return by this interface; packets that
  // containers send to 127/8 themselves are dropped by the firewall (raw_prerouting).
  writeSysctl(`net/ipv4/conf/${bridge}/route_localnet`, "1");
  try {
    // No IPv6 on the network: no link-local address by which containers reach the host past the firewall.
    writeSysctl(`net/ipv6/conf/${bridge}/disable_ipv6`, "1");
  } catch (error) {
    // ENOENT: a kernel without IPv6 has nothing to disable.
    if (errorCode(error) !== "ENOENT") throw error;
  }
  if (readSysctl("net.ipv4.ip_forward") !== "1") writeSysctl("net.ipv4.ip_forward", "1");
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

/** Networks the host is in or has a route to (default routes aside), but for those on the named bridges. */
export function hostSubnets(socket: NetlinkSocket, exceptBridges: readonly string[]): readonly Subnet[] {
  const own = new Set(listLinks(socket).flatMap((link) => (exceptBridges.includes(link.name) ? [link.index] : [])));
  const routes = listRoutes(socket).filter((route) => route.prefixLength > 0 && !own.has(route.interfaceIndex));
  const addresses = listAddresses(socket).filter((address) => !own.has(address.interfaceIndex));
  return [
    ...routes.map((route): Subnet => ({ address: route.destination, prefixLength: route.prefixLength })),
    ...addresses.map((address): Subnet => ({ address: address.address, prefixLength: address.prefixLength })),
  ];
}
