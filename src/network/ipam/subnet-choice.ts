import { createHash } from "node:crypto";
import { type Family, overlap, sizeOf, type Subnet } from "./ip-address.ts";

/** A range of addresses to cut networks of one size from. */
export type AddressPool = { readonly base: Subnet; readonly prefixLength: number };

function pool(address: readonly [number, number], basePrefix: number, prefixLength: number): AddressPool {
  const value = BigInt((address[0] * 256 + address[1]) * 65536);
  return { base: { family: 4, value, prefixLength: basePrefix }, prefixLength };
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

/** Where an instance's IPv6 networks come from: a /48 of unique local addresses (RFC 4193), of its own, cut into /64. */
export function uniqueLocalPool(instanceId: string): AddressPool {
  const globalId = createHash("sha256").update(`${instanceId}/ipv6`).digest().subarray(0, 5);
  const value = (0xfdn << 120n) | (BigInt(`0x${globalId.toString("hex")}`) << 80n);
  return { base: { family: 6, value, prefixLength: 48 }, prefixLength: 64 };
}

/** The first network of a family's pools that overlaps none of `taken`; undefined when all do. */
export function chooseSubnet(
  pools: readonly AddressPool[],
  taken: readonly Subnet[],
  family: Family,
): Subnet | undefined {
  for (const { base, prefixLength } of pools) {
    if (base.family !== family) continue;
    const step = sizeOf({ family, prefixLength });
    for (let value = base.value; value < base.value + sizeOf(base); value += step) {
      const candidate = { family, value, prefixLength };
      if (!taken.some((other) => overlap(candidate, other))) return candidate;
    }
  }
  return undefined;
}
