/** An IPv4 address as its 32 bits. */
export type Ipv4 = number;

/** A network: its first address and the length of its prefix. */
export type Subnet = { readonly address: Ipv4; readonly prefixLength: number };

/** "10.0.0.1" as a number; undefined when it is not exactly four decimal bytes. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    // A leading zero is octal to some programs and decimal to others: refused, as in Go.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatIpv4(address: Ipv4): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");
}

/** "10.0.0.1/24" with the address as written, host bits and all; undefined when malformed. */
export function parseCidr(text: string): Subnet | undefined {
  const [, host, prefix] = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(text) ?? [];
  const address = host === undefined ? undefined : parseIpv4(host);
  const prefixLength = Number(prefix);
  return address === undefined || prefixLength > 32 ? undefined : { address, prefixLength };
}

export function formatSubnet({ address, prefixLength }: Subnet): string {
  return `${formatIpv4(address)}/${prefixLength}`;
}

/** How many addresses a prefix leaves. */
export function sizeOf(prefixLength: number): number {
  return 2 ** (32 - prefixLength);
}

/** The network an address lies in. */
export function networkOf({ address, prefixLength }: Subnet): Subnet {
  const size = sizeOf(prefixLength);
  return { address: Math.floor(address / size) * size, prefixLength };
}

export function containsAddress(subnet: Subnet, address: Ipv4): boolean {
  const { address: first } = networkOf(subnet);
  return address >= first && address < first + sizeOf(subnet.prefixLength);
}

export function overlap(one: Subnet, other: Subnet): boolean {
  const shorter = one.prefixLength <= other.prefixLength ? one : other;
  return containsAddress(shorter, shorter === one ? other.address : one.address);
}

/** The MAC address that belongs to an IPv4 address: 02:42 and its bytes, as Docker derived it, so that neighbours' caches stay right when an address is reused. */
export function macAddressOf(address: Ipv4): string {
  const bytes = [0x02, 0x42, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
