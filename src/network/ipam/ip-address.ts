import { isIPv6 } from "node:net";

/** The version of the protocol an address belongs to. */
export type Family = 4 | 6;

/** An IP address as its 32 or 128 bits. */
export type IpAddress = { readonly family: Family; readonly value: bigint };

/** An address with the length of its prefix: a network, or a host's place in one. */
export type Subnet = IpAddress & { readonly prefixLength: number };

/** How many bits an address of a family has. */
export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** "10.0.0.1" or "fd00::1" as a number; undefined when it is neither. */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    // A leading zero is octal to some programs and decimal to others: refused, as in Go.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256n + BigInt(part);
  }
  return { family: 4, value };
}

function parseIpv6(text: string): IpAddress | undefined {
  // A zone ("%eth0") says where an address is meant, not which one it is.
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const plain = text.replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const value = parseIpv4(tail)?.value ?? 0n;
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return {
    family: 6,
    value: [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n),
  };
}

/** The canonical text (RFC 5952 for IPv6). */
export function formatIp({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - index * 16)) & 0xffffn);
  const { start, length } = longestZeros(groups);
  const text = (part: readonly bigint[]): string => part.map((group) => group.toString(16)).join(":");
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** The first longest run of zero groups, which "::" stands for. */
function longestZeros(groups: readonly bigint[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0n) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}

/** "10.0.0.1/24" with the address as written, host bits and all; undefined when malformed. */
export function parseCidr(text: string): Subnet | undefined {
  const [, host, prefix] = /^([\da-fA-F.:]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = host === undefined ? undefined : parseIp(host);
  const prefixLength = Number(prefix);
  return address === undefined || prefixLength > bitsOf(address.family) ? undefined : { ...address, prefixLength };
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatIp(subnet)}/${subnet.prefixLength}`;
}

/** How many addresses a network has. */
export function sizeOf({ family, prefixLength }: Pick<Subnet, "family" | "prefixLength">): bigint {
  return 1n << BigInt(bitsOf(family) - prefixLength);
}

/** The network an address lies in. */
export function networkOf(subnet: Subnet): Subnet {
  return { ...subnet, value: subnet.value & ~(sizeOf(subnet) - 1n) };
}

/** The last address of a network: for IPv4 the one of broadcasts. */
export function lastOf(subnet: Subnet): IpAddress {
  return { family: subnet.family, value: networkOf(subnet).value + sizeOf(subnet) - 1n };
}

/** The address so many after the first of a network. */
export function addressAt(subnet: Subnet, offset: bigint): IpAddress {
  return { family: subnet.family, value: networkOf(subnet).value + offset };
}

export function sameAddress(one: IpAddress, other: IpAddress): boolean {
  return one.family === other.family && one.value === other.value;
}

export function containsAddress(subnet: Subnet, { family, value }: IpAddress): boolean {
  const { value: first } = networkOf(subnet);
  return family === subnet.family && value >= first && value < first + sizeOf(subnet);
}

export function overlap(one: Subnet, other: Subnet): boolean {
  const [shorter, longer] = one.prefixLength <= other.prefixLength ? [one, other] : [other, one];
  return containsAddress(shorter, longer);
}

/** As the kernel has it: 4 or 16 bytes in network order. */
export function bytesOf({ family, value }: IpAddress): Buffer {
  return Buffer.from(value.toString(16).padStart(bitsOf(family) / 4, "0"), "hex");
}

/** What `bytesOf` made of an address. */
export function addressOfBytes(bytes: Buffer): IpAddress {
  return { family: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${bytes.toString("hex")}`) };
}

/** The MAC address that belongs to an IPv4 address: 02:42 and its bytes, as Docker derived it, so that neighbours' caches stay right when an address is reused. */
export function macAddressOf(address: IpAddress): string {
  const bytes = [0x02, 0x42, ...bytesOf(address).subarray(-4)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
