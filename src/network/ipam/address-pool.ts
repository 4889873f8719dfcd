import {
  containsAddress,
  type Family,
  formatIp,
  type IpAddress,
  lastOf,
  networkOf,
  sizeOf,
  type Subnet,
} from "./ip-address.ts";

/** The addresses of one subnet that are in use, in memory; the database holds the same for the next start. */
export type AddressPoolState = {
  readonly family: Family;
  /** The next free address after the one given last, so that an address rests before it is used again; undefined when all are taken. */
  allocate(): IpAddress | undefined;
  /** Takes a certain address; false when it is taken. */
  take(address: IpAddress): boolean;
  /** Idempotent. */
  release(address: IpAddress): void;
  /** True for an address that a container may have. */
  isUsable(address: IpAddress): boolean;
};

/** Tracks a subnet; `range` narrows what `allocate` gives. Network, broadcast and `reserved` addresses are never given. */
export function createAddressPool(options: {
  readonly subnet: Subnet;
  readonly range?: Subnet | undefined;
  readonly reserved: readonly IpAddress[];
}): AddressPoolState {
  const subnet = networkOf(options.subnet);
  const range = networkOf(options.range ?? subnet);
  const { family } = subnet;
  const unusable = new Set(options.reserved.map(formatIp));
  // RFC 3021: a /31 has neither network nor broadcast address. IPv6 has no broadcasts, but the first address is that
  // of any router (RFC 4291, 2.6.1).
  if (sizeOf(subnet) > 2n) {
    unusable.add(formatIp(subnet));
    if (family === 4) unusable.add(formatIp(lastOf(subnet)));
  }
  const taken = new Set<bigint>();
  const isUsable = (address: IpAddress): boolean =>
    containsAddress(subnet, address) && !unusable.has(formatIp(address));
  const size = sizeOf(range);
  let cursor = 0n;

  return {
    family,
    allocate: () => {
      // After so many steps every address that can be refused has been met.
      const limit = Math.min(Number(size), taken.size + unusable.size + 1);
      for (let tries = 0; tries < limit; tries++) {
        const value = range.value + cursor;
        cursor = (cursor + 1n) % size;
        if (taken.has(value) || !isUsable({ family, value })) continue;
        taken.add(value);
        return { family, value };
      }
      return undefined;
    },
    take: (address) => {
      if (!isUsable(address) || taken.has(address.value)) return false;
      taken.add(address.value);
      return true;
    },
    release: (address) => {
      if (address.family === family) taken.delete(address.value);
    },
    isUsable,
  };
}
