import { type IpAddress, parseIp } from "../ipam/ip-address.ts";

/** The address that a name below in-addr.arpa or ip6.arpa stands for (RFC 1035, 3.5; RFC 3596, 2.5). */
export function addressOfReverseName(name: string): IpAddress | undefined {
  const [, four] = /^(\d{1,3}(?:\.\d{1,3}){3})\.in-addr\.arpa$/i.exec(name) ?? [];
  if (four !== undefined) return parseIp(four.split(".").toReversed().join("."));
  const [, six] = /^([0-9a-f](?:\.[0-9a-f]){31})\.ip6\.arpa$/i.exec(name) ?? [];
  if (six === undefined) return undefined;
  const digits = six.split(".").toReversed().join("");
  return parseIp(digits.replace(/.{4}(?=.)/g, "$&:"));
}
