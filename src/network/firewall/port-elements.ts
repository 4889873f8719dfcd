import type { MapElement } from "#linux";
import { bytesOf, parseIp } from "../ipam/ip-address.ts";
import { addressMap, type FirewallPort, linkedSet, mapOfPort, routedSet } from "./ruleset.ts";

const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

function address(text: string): Buffer {
  const parsed = parseIp(text);
  return parsed === undefined ? Buffer.alloc(4) : bytesOf(parsed);
}

/** A field of a concatenation, which the kernel pads to four bytes. */
function byteField(value: number): Buffer {
  return Buffer.from([value, 0, 0, 0]);
}

function portField(port: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt16BE(port, 0);
  return field;
}

/** A port as an element of its map or set. */
export function portElement(port: FirewallPort): MapElement {
  const map = mapOfPort(port);
  const protocol = byteField(protocolNumbers[port.protocol]);
  if (map === routedSet) {
    const key = Buffer.concat([address(port.containerIp), protocol, portField(port.containerPort)]);
    return { map, key, value: undefined };
  }
  if (map === linkedSet) {
    const ends = Buffer.concat([address(port.linkedIp ?? ""), address(port.containerIp)]);
    return { map, key: Buffer.concat([ends, protocol, portField(port.containerPort)]), value: undefined };
  }
  const host = Buffer.concat([protocol, portField(port.hostPort)]);
  return {
    map,
    key: map === addressMap ? Buffer.concat([address(port.hostIp), host]) : host,
    value: Buffer.concat([address(port.containerIp), portField(port.containerPort)]),
  };
}
