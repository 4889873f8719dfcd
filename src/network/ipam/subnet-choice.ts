import { overlap, type Subnet, sizeOf } from "./ipv4.ts";

/** A range of addresses to cut networks of one size from. */
export type AddressPool = { readonly base: Subnet; readonly prefixLength: number };

function pool(address: readonly [number, number], basePrefix: number, prefixLength: number): AddressPool {
  return { base: { address: (address[0] * 256 + address[1]) * 65536, prefixLength: basePrefix }, prefixLength };
}

/** Docker's pools: 172.17-31.0.0/16, then 192.168.0.0/20 and on. */
export const defaultPools: readonly AddressPool[] = [
  pool([172, 17], 16, 16),
  pool([172, 18], 16, 16),
  pool([172, 19], 16, 16),
  pool([172, 20], 14, 16),
  pool([172, 24], 14, 16),
  pool([172, 28], 14, 16),
  pool([192, 168], 16, 20),
];

/** The first network of the pools that overlaps none of `taken`; undefined when all do. */
export function chooseSubnet(pools: readonly AddressPool[], taken: readonly Subnet[]): Subnet | undefined {
  for (const { base, prefixLength } of pools) {
    const step = sizeOf(prefixLength);
    for (let address = base.address; address < base.address + sizeOf(base.prefixLength); address += step) {
      const candidate = { address, prefixLength };
      if (!taken.some((other) => overlap(candidate, other))) return candidate;
    }
  }
  return undefined;
}
