import { containsAddress, type Ipv4, networkOf, sizeOf, type Subnet } from "./ipv4.ts";

/** The addresses of one network that are in use, in memory; the database holds the same for the next start. */
export type AddressPoolState = {
  /** The next free address after the one given last, so that an address rests before it is used again; undefined when all are taken. */
  allocate(): Ipv4 | undefined;
  /** Takes a certain address; false when it is taken. */
  take(address: Ipv4): boolean;
  /** Idempotent. */
  release(address: Ipv4): void;
  /** True for an address that a container may have. */
  isUsable(address: Ipv4): boolean;
};

/** Tracks a subnet; `range` narrows what `allocate` gives. Network, broadcast and `reserved` addresses are never given. */
export function createAddressPool(options: {
  readonly subnet: Subnet;
  readonly range?: Subnet | undefined;
  readonly reserved: readonly Ipv4[];
}): AddressPoolState {
  const subnet = networkOf(options.subnet);
  const range = networkOf(options.range ?? subnet);
  const last = subnet.address + sizeOf(subnet.prefixLength) - 1;
  const unusable = new Set(options.reserved);
  // RFC 3021: a /31 has neither network nor broadcast address.
  if (subnet.prefixLength < 31) unusable.add(subnet.address).add(last);
  const taken = new Set<Ipv4>();
  const isUsable = (address: Ipv4): boolean => containsAddress(subnet, address) && !unusable.has(address);
  const size = sizeOf(range.prefixLength);
  let cursor = 0;

  return {
    allocate: () => {
      for (let tries = 0; tries < size; tries++) {
        const address = range.address + cursor;
        cursor = (cursor + 1) % size;
        if (isUsable(address) && !taken.has(address)) {
          taken.add(address);
          return address;
        }
      }
      return undefined;
    },
    take: (address) => {
      if (!isUsable(address) || taken.has(address)) return false;
      taken.add(address);
      return true;
    },
    release: (address) => void taken.delete(address),
    isUsable,
  };
}
