import { attribute, FLAG, parseAttributes } from "./message.ts";
import type { NetlinkRequest, NetlinkSocket } from "./socket.ts";

// include/uapi/linux/rtnetlink.h and if_addr.h
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const AF_INET = 2;

/** An IPv4 address as its 32 bits. */
export type Ipv4Number = number;

/** An address of an interface. */
export type InterfaceAddress = {
  readonly interfaceIndex: number;
  readonly address: Ipv4Number;
  readonly prefixLength: number;
};

function bytes(address: Ipv4Number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(address >>> 0);
  return buffer;
}

function addressRequest(
  verb: "add" | "delete",
  { interfaceIndex, address, prefixLength }: InterfaceAddress,
): NetlinkRequest {
  // struct ifaddrmsg
  const header = Buffer.alloc(8);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(interfaceIndex, 4);
  const hostBits = prefixLength === 0 ? 0xffffffff : (1 << (32 - prefixLength)) - 1;
  return {
    description: `${verb} address ${bytes(address).join(".")}/${prefixLength} of interface ${interfaceIndex}`,
    type: verb === "add" ? RTM_NEWADDR : RTM_DELADDR,
    flags: FLAG.ack | (verb === "add" ? FLAG.create | FLAG.exclusive : 0),
    body: Buffer.concat([
      header,
      attribute(IFA_LOCAL, bytes(address)),
      attribute(IFA_ADDRESS, bytes(address)),
      attribute(IFA_BROADCAST, bytes(address | hostBits)),
    ]),
  };
}

/** Gives an interface an IPv4 address with the broadcast address of its subnet; EEXIST when it has it. */
export function addAddress(address: InterfaceAddress): NetlinkRequest {
  return addressRequest("add", address);
}

/** Takes an IPv4 address from an interface. */
export function deleteAddress(address: InterfaceAddress): NetlinkRequest {
  return addressRequest("delete", address);
}

/** All IPv4 addresses of the socket's namespace. */
export function listAddresses(socket: NetlinkSocket): readonly InterfaceAddress[] {
  const body = Buffer.alloc(8);
  body.writeUInt8(AF_INET, 0);
  return socket.send({ description: "list addresses", type: RTM_GETADDR, flags: FLAG.dump, body }).flatMap((reply) => {
    if (reply.type !== RTM_NEWADDR) return [];
    const attributes = parseAttributes(reply.body.subarray(8));
    const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    if (address?.length !== 4) return [];
    return [
      {
        interfaceIndex: reply.body.readUInt32LE(4),
        address: address.readUInt32BE(0),
        prefixLength: reply.body.readUInt8(1),
      },
    ];
  });
}
