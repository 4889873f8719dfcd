import { formatAddress } from "./address-text.ts";
import { attribute, FLAG, parseAttributes } from "./message.ts";
import type { NetlinkRequest, NetlinkSocket } from "./socket.ts";

// include/uapi/linux/rtnetlink.h and if_addr.h
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 0x02;
const IFA_F_PERMANENT = 0x80;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** An address of an interface; its family shows in its length, 4 or 16 bytes in network order. */
export type InterfaceAddress = {
  readonly interfaceIndex: number;
  readonly address: Buffer;
  readonly prefixLength: number;
};

/** The address family of 4 or 16 bytes. */
export function familyOf(address: Uint8Array): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

/** All ones where the prefix leaves bits to hosts (inet(4): the broadcast address). */
function broadcastOf(address: Buffer, prefixLength: number): Buffer {
  const broadcast = Buffer.from(address);
  for (let bit = prefixLength; bit < 32; bit++) {
    const byte = bit >> 3;
    broadcast.writeUInt8(broadcast.readUInt8(byte) | (0x80 >> (bit & 7)), byte);
  }
  return broadcast;
}

function addressRequest(
  verb: "add" | "delete",
  { interfaceIndex, address, prefixLength }: InterfaceAddress,
): NetlinkRequest {
  // struct ifaddrmsg
  const header = Buffer.alloc(8);
  header.writeUInt8(familyOf(address), 0);
  header.writeUInt8(prefixLength, 1);
  // Addresses are handed out by us, once: a second of duplicate address detection would only delay the container.
  if (address.length === 16) header.writeUInt8(IFA_F_NODAD | IFA_F_PERMANENT, 2);
  header.writeUInt32LE(interfaceIndex, 4);
  return {
    description: `${verb} address ${formatAddress(address)}/${prefixLength} of interface ${interfaceIndex}`,
    type: verb === "add" ? RTM_NEWADDR : RTM_DELADDR,
    flags: FLAG.ack | (verb === "add" ? FLAG.create | FLAG.exclusive : 0),
    body: Buffer.concat([
      header,
      attribute(IFA_LOCAL, address),
      attribute(IFA_ADDRESS, address),
      ...(address.length === 4 ? [attribute(IFA_BROADCAST, broadcastOf(address, prefixLength))] : []),
    ]),
  };
}

/** Gives an interface an address, for IPv4 with the broadcast address of its subnet; EEXIST when it has it. */
export function addAddress(address: InterfaceAddress): NetlinkRequest {
  return addressRequest("add", address);
}

/** Takes an address from an interface. */
export function deleteAddress(address: InterfaceAddress): NetlinkRequest {
  return addressRequest("delete", address);
}

/** All addresses of both families in the socket's namespace. */
export function listAddresses(socket: NetlinkSocket): readonly InterfaceAddress[] {
  const request = { description: "list addresses", type: RTM_GETADDR, flags: FLAG.dump, body: Buffer.alloc(8) };
  return socket.send(request).flatMap((reply) => {
    if (reply.type !== RTM_NEWADDR) return [];
    const attributes = parseAttributes(reply.body.subarray(8));
    const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    if (address?.length !== 4 && address?.length !== 16) return [];
    return [
      {
        interfaceIndex: reply.body.readUInt32LE(4),
        address,
        prefixLength: reply.body.readUInt8(1),
      },
    ];
  });
}
