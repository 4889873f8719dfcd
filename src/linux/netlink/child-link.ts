import { attribute, FLAG, nested, numberAttribute, textAttribute } from "./message.ts";
import { hardwareAddress, interfaceInfo, IFF_UP, RTM_NEWLINK } from "./link.ts";
import type { NetlinkRequest, NetlinkSocket } from "./socket.ts";

// include/uapi/linux/if_link.h
const IFLA = { address: 1, name: 3, mtu: 4, link: 5, linkInfo: 18, netNsFd: 28 } as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;
const IFLA_VLAN_ID = 1;

/** How containers on one macvlan parent see each other (MACVLAN_MODE_*). */
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
/** IPVLAN_MODE_*. */
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
/** IPVLAN_F_*. */
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** An interface on top of another one of the host. */
export type ChildLink = {
  readonly name: string;
  readonly parentIndex: number;
  /** Handle of the network namespace it is made in. */
  readonly namespace: number;
  readonly mtu: number | undefined;
} & (
  | { readonly kind: "macvlan"; readonly mode: keyof typeof macvlanModes; readonly macAddress: string }
  | { readonly kind: "ipvlan"; readonly mode: keyof typeof ipvlanModes; readonly flag: keyof typeof ipvlanFlags }
);

function shortAttribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16LE(value);
  return attribute(type, payload);
}

/** Makes a macvlan or ipvlan interface straight in a namespace, still down. */
export function addChildLink(link: ChildLink): NetlinkRequest {
  const data =
    link.kind === "macvlan"
      ? numberAttribute(IFLA_MACVLAN_MODE, macvlanModes[link.mode])
      : Buffer.concat([
          shortAttribute(IFLA_IPVLAN_MODE, ipvlanModes[link.mode]),
          shortAttribute(IFLA_IPVLAN_FLAGS, ipvlanFlags[link.flag]),
        ]);
  return {
    description: `add ${link.kind} ${link.name} on interface ${link.parentIndex}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack | FLAG.create | FLAG.exclusive,
    body: Buffer.concat([
      interfaceInfo({}),
      textAttribute(IFLA.name, link.name),
      numberAttribute(IFLA.link, link.parentIndex),
      numberAttribute(IFLA.netNsFd, link.namespace),
      ...(link.mtu === undefined ? [] : [numberAttribute(IFLA.mtu, link.mtu)]),
      // An ipvlan interface has its parent's hardware address.
      ...(link.kind === "macvlan" ? [attribute(IFLA.address, hardwareAddress(link.macAddress))] : []),
      nested(IFLA.linkInfo, textAttribute(IFLA_INFO_KIND, link.kind), nested(IFLA_INFO_DATA, data)),
    ]),
  };
}

/** Makes a VLAN interface (802.1Q) on top of another, up. */
export function addVlan(name: string, parentIndex: number, id: number): NetlinkRequest {
  return {
    description: `add VLAN interface ${name}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack | FLAG.create | FLAG.exclusive,
    body: Buffer.concat([
      interfaceInfo({ flags: IFF_UP, change: IFF_UP }),
      textAttribute(IFLA.name, name),
      numberAttribute(IFLA.link, parentIndex),
      nested(
        IFLA.linkInfo,
        textAttribute(IFLA_INFO_KIND, "vlan"),
        nested(IFLA_INFO_DATA, shortAttribute(IFLA_VLAN_ID, id)),
      ),
    ]),
  };
}

/** Makes an interface that leads nowhere, up: the parent of a network that stays on this host. */
export function addDummy(name: string): NetlinkRequest {
  return {
    description: `add dummy interface ${name}`,
    type: RTM_NEWLINK,
    flags: FLAG.ack | FLAG.create | FLAG.exclusive,
    body: Buffer.concat([
      interfaceInfo({ flags: IFF_UP, change: IFF_UP }),
      textAttribute(IFLA.name, name),
      nested(IFLA.linkInfo, textAttribute(IFLA_INFO_KIND, "dummy")),
    ]),
  };
}

/** Whether the kernel knows a kind of interface: it refuses to make one without a parent, for one reason or the other. */
export function knowsLinkKind(socket: NetlinkSocket, kind: "macvlan" | "ipvlan" | "vlan"): boolean {
  try {
    socket.send({
      description: `probe for ${kind} interfaces`,
      type: RTM_NEWLINK,
      flags: FLAG.ack | FLAG.create | FLAG.exclusive,
      body: Buffer.concat([
        interfaceInfo({}),
        textAttribute(IFLA.name, "berth-probe"),
        nested(IFLA.linkInfo, textAttribute(IFLA_INFO_KIND, kind), nested(IFLA_INFO_DATA)),
      ]),
    });
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "EOPNOTSUPP");
  }
}
