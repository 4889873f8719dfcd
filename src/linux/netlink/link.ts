import { attribute, attributeText, FLAG, nested, numberAttribute, parseAttributes, textAttribute } from "./message.ts";
import type { NetlinkReply, NetlinkRequest, NetlinkSocket } from "./socket.ts";

// include/uapi/linux/rtnetlink.h and if_link.h
export const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const IFLA = { address: 1, name: 3, mtu: 4, master: 10, linkInfo: 18, stats64: 23, netNsFd: 28, extMask: 29 } as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const VETH_INFO_PEER = 1;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_ISOLATED = 33;
const RTEXT_FILTER_SKIP_STATS = 8;
export const IFF_UP = 1;

/** A network interface as the kernel lists it. */
export type Link = {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly loopback: boolean;
  /** "bridge", "veth", …; "" for hardware. */
  readonly kind: string;
  /** Index of the bridge or bond it belongs to; 0 when none. */
  readonly master: number;
  readonly mtu: number;
};

/** struct ifinfomsg. */
export function interfaceInfo(options: { family?: number; index?: number; flags?: number; change?: number }): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeUInt8(options.family ?? 0, 0);
  buffer.writeInt32LE(options.index ?? 0, 4);
  buffer.writeUInt32LE(options.flags ?? 0, 8);
  buffer.writeUInt32LE(options.change ?? 0, 12);
  return buffer;
}

/** "02:42:ac:11:00:02" as six bytes. */
export function hardwareAddress(text: string): Buffer {
  return Buffer.from(text.split(":").map((part) => Number.parseInt(part, 16)));
}

/** Makes a bridge, already up. */
export function addBridge(options: {
  readonly name: string;
  readonly mtu: number;
  readonly macAddress: string;
}): NetlinkRequest {
  return {
    description: `add bridge ${options.name}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack | FLAG.create | FLAG.exclusive,
    body: Buffer.concat([
      interfaceInfo({ flags: IFF_UP, change: IFF_UP }),
      textAttribute(IFLA.name, options.name),
      numberAttribute(IFLA.mtu, options.mtu),
      attribute(IFLA.address, hardwareAddress(options.macAddress)),
      nested(IFLA.linkInfo, textAttribute(IFLA_INFO_KIND, "bridge")),
    ]),
  };
}

/** A pair of interfaces to be made, with where its other end goes. */
export type VethOptions = {
  /** Host side: name, and the bridge it joins. */
  readonly name: string;
  readonly master: number;
  /** Side in the container's namespace. */
  readonly peerName: string;
  readonly peerMacAddress: string;
  readonly peerNamespace: number;
  readonly mtu: number;
};

/** Makes a veth pair: this end up and in its bridge, the other (still down) straight in the namespace. One request. */
export function addVeth(options: VethOptions): NetlinkRequest {
  const peer = Buffer.concat([
    interfaceInfo({}),
    textAttribute(IFLA.name, options.peerName),
    numberAttribute(IFLA.mtu, options.mtu),
    attribute(IFLA.address, hardwareAddress(options.peerMacAddress)),
    numberAttribute(IFLA.netNsFd, options.peerNamespace),
  ]);
  return {
    description: `add veth ${options.name} with peer ${options.peerName}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack | FLAG.create | FLAG.exclusive,
    body: Buffer.concat([
      interfaceInfo({ flags: IFF_UP, change: IFF_UP }),
      textAttribute(IFLA.name, options.name),
      numberAttribute(IFLA.mtu, options.mtu),
      numberAttribute(IFLA.master, options.master),
      nested(
        IFLA.linkInfo,
        textAttribute(IFLA_INFO_KIND, "veth"),
        nested(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, peer)),
      ),
    ]),
  };
}

/** Brings an interface up, by name. */
export function setLinkUp(name: string): NetlinkRequest {
  return {
    description: `set ${name} up`,
    type: RTM_NEWLINK,
    flags: FLAG.ack,
    body: Buffer.concat([interfaceInfo({ flags: IFF_UP, change: IFF_UP }), textAttribute(IFLA.name, name)]),
  };
}

/** Puts an interface into a bridge. */
export function setLinkMaster(name: string, master: number): NetlinkRequest {
  return {
    description: `put ${name} into bridge ${master}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack,
    body: Buffer.concat([
      interfaceInfo({ flags: IFF_UP, change: IFF_UP }),
      textAttribute(IFLA.name, name),
      numberAttribute(IFLA.master, master),
    ]),
  };
}

/**
 * Sets how a bridge treats one of its ports. `hairpin`: a frame may go back out where it came in, which a container
 * needs to reach its own published port when br_netfilter is on. `isolated`: it reaches no other isolated port.
 */
export function setBridgePort(
  name: string,
  mode: { readonly hairpin: boolean; readonly isolated: boolean },
): NetlinkRequest {
  return {
    description: `set bridge port mode of ${name}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack,
    body: Buffer.concat([
      interfaceInfo({}),
      textAttribute(IFLA.name, name),
      nested(
        IFLA.linkInfo,
        textAttribute(IFLA_INFO_SLAVE_KIND, "bridge"),
        nested(
          IFLA_INFO_SLAVE_DATA,
          attribute(IFLA_BRPORT_MODE, Buffer.from([mode.hairpin ? 1 : 0])),
          attribute(IFLA_BRPORT_ISOLATED, Buffer.from([mode.isolated ? 1 : 0])),
        ),
      ),
    ]),
  };
}

/** Removes an interface. Blocks about 30 ms in the kernel (RCU): only for tearing down whole networks. */
export function deleteLink(name: string): NetlinkRequest {
  return {
    description: `delete interface ${name}`,
    type: RTM_DELLINK,
    flags: FLAG.ack,
    body: Buffer.concat([interfaceInfo({}), textAttribute(IFLA.name, name)]),
  };
}

function getLink(name: string, wants: "stats" | "no stats"): NetlinkRequest {
  return {
    description: `get interface ${name}`,
    type: RTM_GETLINK,
    flags: 0,
    body: Buffer.concat([
      interfaceInfo({}),
      textAttribute(IFLA.name, name),
      // Summing the figures of all CPUs is most of what the answer costs.
      numberAttribute(IFLA.extMask, wants === "stats" ? 0 : RTEXT_FILTER_SKIP_STATS),
    ]),
  };
}

/** An interface by name; undefined when there is none. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  const reply = findReply(socket, name, "no stats");
  return reply === undefined ? undefined : parseLink(reply);
}

/** All interfaces of the socket's namespace. */
export function listLinks(socket: NetlinkSocket): readonly Link[] {
  const body = Buffer.concat([interfaceInfo({}), numberAttribute(IFLA.extMask, RTEXT_FILTER_SKIP_STATS)]);
  return socket
    .send({ description: "list interfaces", type: RTM_GETLINK, flags: FLAG.dump, body })
    .filter((reply) => reply.type === RTM_NEWLINK)
    .map(parseLink);
}

/** Traffic counters of an interface, seen from this side. */
export type LinkCounters = Readonly<
  Record<
    "rxBytes" | "rxPackets" | "rxErrors" | "rxDropped" | "txBytes" | "txPackets" | "txErrors" | "txDropped",
    number
  >
>;

/** Counters of an interface by name (one request, about 15 µs); undefined when there is none. */
export function linkCounters(socket: NetlinkSocket, name: string): LinkCounters | undefined {
  const reply = findReply(socket, name, "stats");
  const stats = reply === undefined ? undefined : parseAttributes(reply.body.subarray(16)).get(IFLA.stats64);
  if (stats === undefined || stats.length < 64) return undefined;
  // struct rtnl_link_stats64
  const at = (field: number): number => Number(stats.readBigUInt64LE(field * 8));
  return {
    rxPackets: at(0),
    txPackets: at(1),
    rxBytes: at(2),
    txBytes: at(3),
    rxErrors: at(4),
    txErrors: at(5),
    rxDropped: at(6),
    txDropped: at(7),
  };
}

function findReply(socket: NetlinkSocket, name: string, wants: "stats" | "no stats"): NetlinkReply | undefined {
  try {
    return socket.send(getLink(name, wants))[0];
  } catch (error) {
    // ENODEV: no such interface, which is an answer here.
    if (error instanceof Error && "code" in error && error.code === "ENODEV") return undefined;
    throw error;
  }
}

function parseLink(reply: NetlinkReply): Link {
  const attributes = parseAttributes(reply.body.subarray(16));
  const info = attributes.get(IFLA.linkInfo);
  const flags = reply.body.readUInt32LE(8);
  return {
    index: reply.body.readInt32LE(4),
    name: attributeText(attributes.get(IFLA.name)),
    up: (flags & IFF_UP) !== 0,
    loopback: (flags & 8) !== 0,
    kind: info === undefined ? "" : attributeText(parseAttributes(info).get(IFLA_INFO_KIND)),
    master: attributes.get(IFLA.master)?.readUInt32LE(0) ?? 0,
    mtu: attributes.get(IFLA.mtu)?.readUInt32LE(0) ?? 1500,
  };
}
