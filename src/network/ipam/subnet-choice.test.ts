import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatSubnet, networkOf, overlap, parseCidr, type Subnet } from "./ip-address.ts";
import { chooseSubnet, defaultPools, uniqueLocalPool } from "./subnet-choice.ts";

const anySubnet = fc
  .record({ value: fc.bigInt({ min: 0n, max: 0xffffffffn }), prefixLength: fc.integer({ min: 1, max: 32 }) })
  .map((subnet) => networkOf({ family: 4, ...subnet }));
// Mostly subnets within the pools, so that the choice has something to avoid.
const crowded = fc
  .record({ second: fc.integer({ min: 16, max: 31 }), prefixLength: fc.integer({ min: 12, max: 32 }) })
  .map(({ second, prefixLength }): Subnet =>
    networkOf({ family: 4, value: BigInt((172 * 256 + second) * 65536), prefixLength }),
  );

const format = (subnet: Subnet | undefined): string => (subnet === undefined ? "none" : formatSubnet(subnet));

describe("chooseSubnet()", () => {
  test("cuts /64 from a /48 of unique local addresses that is the instance's own", () => {
    const pools = [...defaultPools, uniqueLocalPool("one")];
    const first = chooseSubnet(pools, [], 6);
    expect(format(first)).toMatch(/^fd[0-9a-f:]+::\/64$/);
    expect(format(chooseSubnet(pools, first === undefined ? [] : [first], 6))).toMatch(/:1::\/64$/);
    expect(format(chooseSubnet([uniqueLocalPool("two")], [], 6))).not.toBe(format(first));
  });

  test("gives 172.17.0.0/16 on a host that uses none of the pools", () => {
    expect(format(chooseSubnet(defaultPools, [], 4))).toBe("172.17.0.0/16");
  });

  test("goes on to 192.168.0.0/20 when all of 172.16.0.0/12 is taken, and gives nothing when all is", () => {
    const taken = [parseCidr("172.16.0.0/12")].flatMap((subnet) => subnet ?? []);
    expect(format(chooseSubnet(defaultPools, taken, 4))).toBe("192.168.0.0/20");
    expect(chooseSubnet(defaultPools, [{ family: 4, value: 0n, prefixLength: 0 }], 4)).toBeUndefined();
  });

  test("never overlaps anything taken", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anySubnet, crowded), { maxLength: 20 }), (taken) => {
        const chosen = chooseSubnet(defaultPools, taken, 4);
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
