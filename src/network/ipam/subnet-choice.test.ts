import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatSubnet, networkOf, overlap, parseCidr, type Subnet } from "./ipv4.ts";
import { chooseSubnet, defaultPools } from "./subnet-choice.ts";

const anySubnet = fc
  .record({ address: fc.integer({ min: 0, max: 0xffffffff }), prefixLength: fc.integer({ min: 1, max: 32 }) })
  .map(networkOf);
// Mostly subnets within the pools, so that the choice has something to avoid.
const crowded = fc
  .record({ second: fc.integer({ min: 16, max: 31 }), prefixLength: fc.integer({ min: 12, max: 32 }) })
  .map(({ second, prefixLength }): Subnet => networkOf({ address: (172 * 256 + second) * 65536, prefixLength }));

describe("chooseSubnet()", () => {
  test("gives 172.17.0.0/16 on a host that uses none of the pools", () => {
    expect(formatSubnet(chooseSubnet(defaultPools, []) ?? { address: 0, prefixLength: 0 })).toBe("172.17.0.0/16");
  });

  test("goes on to 192.168.0.0/20 when all of 172.16.0.0/12 is taken, and gives nothing when all is", () => {
    const taken = [parseCidr("172.16.0.0/12")].flatMap((subnet) => subnet ?? []);
    expect(formatSubnet(chooseSubnet(defaultPools, taken) ?? { address: 0, prefixLength: 0 })).toBe("192.168.0.0/20");
    expect(chooseSubnet(defaultPools, [{ address: 0, prefixLength: 0 }])).toBeUndefined();
  });

  test("never overlaps anything taken", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anySubnet, crowded), { maxLength: 20 }), (taken) => {
        const chosen = chooseSubnet(defaultPools, taken);
        expect(chosen !== undefined && taken.some((other) => overlap(chosen, other))).toBe(false);
      }),
    );
  });
});

describe("overlap()", () => {
  test("is symmetric, and true for a network and itself", () => {
    fc.assert(
      fc.property(anySubnet, anySubnet, (one, other) => {
        expect(overlap(one, other)).toBe(overlap(other, one));
        expect(overlap(one, one)).toBe(true);
      }),
    );
  });
});
