import { AF_INET6, familyOf } from "./address.ts";
import { formatAddress } from "./address-text.ts";
import { attribute, FLAG, numberAttribute, parseAttributes } from "./message.ts";
import type { NetlinkRequest, NetlinkSocket } from "./socket.ts";

// include/uapi/linux/rtnetlink.h
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTA = { destination: 1, outputInterface: 4, gateway: 5, table: 15 } as const;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;
const AF_INET = 2;

/** A route of any table. */
export type Route = {
  /** 4 or 16 bytes; all zero with prefixLength 0 is the default route. */
  readonly destination: Buffer;
  readonly prefixLength: number;
  readonly interfaceIndex: number;
  readonly table: number;
};

/** A default route: by a gateway, or, without one, to everything on the link. */
export type DefaultRoute = {
  readonly family: 4 | 6;
  readonly gateway: Buffer | undefined;
  readonly interfaceIndex: number;
};

/** struct rtmsg */
function routeHeader(family: number, scope: number): Buffer {
  const header = Buffer.alloc(12);
  header.set([family, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST]);
  return header;
}

/** Sets the default route of a family, in the place of the one there is. */
export function setDefaultRoute({ family, gateway, interfaceIndex }: DefaultRoute): NetlinkRequest {
  return {
    description: `set default route by ${gateway === undefined ? `interface ${interfaceIndex}` : formatAddress(gateway)}`,
    type: RTM_NEWROUTE,
    flags: FLAG.ack | FLAG.create | FLAG.replace,
    body: Buffer.concat([
      routeHeader(family === 4 ? AF_INET : AF_INET6, gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE),
      ...(gateway === undefined ? [] : [attribute(RTA.gateway, gateway)]),
      numberAttribute(RTA.outputInterface, interfaceIndex),
    ]),
  };
}

/** Removes the default route of a family; ESRCH when there is none. */
export function deleteDefaultRoute(family: 4 | 6): NetlinkRequest {
  return {
    description: `delete IPv${family} default route`,
    type: RTM_DELROUTE,
    flags: FLAG.ack,
    body: routeHeader(family === 4 ? AF_INET : AF_INET6, RT_SCOPE_NOWHERE),
  };
}

/** All unicast routes of both families in the socket's namespace, in every table. */
export function listRoutes(socket: NetlinkSocket): readonly Route[] {
  const request = { description: "list routes", type: RTM_GETROUTE, flags: FLAG.dump, body: Buffer.alloc(12) };
  return socket.send(request).flatMap((reply) => {
    const family = reply.body.readUInt8(0);
    if (reply.type !== RTM_NEWROUTE || reply.body.readUInt8(7) !== RTN_UNICAST) return [];
    if (family !== AF_INET && family !== AF_INET6) return [];
    const attributes = parseAttributes(reply.body.subarray(12));
    const destination = attributes.get(RTA.destination) ?? Buffer.alloc(family === AF_INET ? 4 : 16);
    if (familyOf(destination) !== family) return [];
    return [
      {
        destination,
        prefixLength: reply.body.readUInt8(1),
        interfaceIndex: attributes.get(RTA.outputInterface)?.readUInt32LE(0) ?? 0,
        table: attributes.get(RTA.table)?.readUInt32LE(0) ?? reply.body.readUInt8(4),
      },
    ];
  });
}
