import type { MapElement } from "#linux";
import { parseIpv4 } from "../ipam/ipv4.ts";
import { addressMap, type FirewallPort, wildcardMap } from "./ruleset.ts";

const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** A port as an element of its map: in a concatenation the kernel pads each field to four bytes. */
export function portElement(port: FirewallPort): MapElement {
  const wildcard = port.hostIp === "0.0.0.0";
  const key = Buffer.alloc(wildcard ? 8 : 12);
  let offset = 0;
  if (!wildcard) {
    key.writeUInt32BE(parseIpv4(port.hostIp) ?? 0, 0);
    offset = 4;
  }
  key.writeUInt8(protocolNumbers[port.protocol], offset);
  key.writeUInt16BE(port.hostPort, offset + 4);
  const value = Buffer.alloc(8);
  value.writeUInt32BE(parseIpv4(port.containerIp) ?? 0, 0);
  value.writeUInt16BE(port.containerPort, 4);
  return { map: wildcard ? wildcardMap : addressMap, key, value };
}
