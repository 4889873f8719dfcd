import type { Ipv4Number } from "./address.ts";
import { attribute, FLAG, numberAttribute, parseAttributes } from "./message.ts";
import type { NetlinkRequest, NetlinkSocket } from "./socket.ts";

// include/uapi/linux/rtnetlink.h
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTA = { destination: 1, outputInterface: 4, gateway: 5, table: 15 } as const;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const AF_INET = 2;

/** A route of the main table. */
export type Route = {
  /** 0 with prefixLength 0 is the default route. */
  readonly destination: Ipv4Number;
  readonly prefixLength: number;
  readonly interfaceIndex: number;
  readonly table: number;
};

/** Adds an IPv4 default route by a gateway. */
export function addDefaultRoute(options: {
  readonly gateway: Ipv4Number;
  readonly interfaceIndex: number;
}): NetlinkRequest {
  // struct rtmsg
  const header = Buffer.alloc(12);
  header.set([AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST]);
  const gateway = Buffer.alloc(4);
  gateway.writeUInt32BE(options.gateway);
  return {
    description: `add default route by ${gateway.join(".")}`,
    type: RTM_NEWROUTE,
    flags: FLAG.ack | FLAG.create | FLAG.exclusive,
    body: Buffer.concat([
      header,
      attribute(RTA.gateway, gateway),
      numberAttribute(RTA.outputInterface, options.interfaceIndex),
    ]),
  };
}

/** All IPv4 unicast routes of the socket's namespace, in every table. */
export function listRoutes(socket: NetlinkSocket): readonly Route[] {
  const body = Buffer.alloc(12);
  body.writeUInt8(AF_INET, 0);
  return socket.send({ description: "list routes", type: RTM_GETROUTE, flags: FLAG.dump, body }).flatMap((reply) => {
    if (reply.type !== RTM_NEWROUTE || reply.body.readUInt8(7) !== RTN_UNICAST) return [];
    const attributes = parseAttributes(reply.body.subarray(12));
    return [
      {
        destination: attributes.get(RTA.destination)?.readUInt32BE(0) ?? 0,
        prefixLength: reply.body.readUInt8(1),
        interfaceIndex: attributes.get(RTA.outputInterface)?.readUInt32LE(0) ?? 0,
        table: attributes.get(RTA.table)?.readUInt32LE(0) ?? reply.body.readUInt8(4),
      },
    ];
  });
}
