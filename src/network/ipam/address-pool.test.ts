import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { createAddressPool } from "./address-pool.ts";
import { formatIpv4, macAddressOf, parseCidr, parseIpv4, type Subnet } from "./ipv4.ts";

function subnet(text: string): Subnet {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function address(text: string): number {
  return parseIpv4(text) ?? -1;
}

describe("createAddressPool()", () => {
  test("gives every address but network, broadcast and gateway, then nothing, then what was released", () => {
    const pool = createAddressPool({ subnet: subnet("10.0.0.0/29"), reserved: [address("10.0.0.1")] });
    const given = Array.from({ length: 6 }, () => pool.allocate());
    expect(given.map((one) => (one === undefined ? undefined : formatIpv4(one)))).toEqual([
      "10.0.0.2",
      "10.0.0.3",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
      undefined,
    ]);
    pool.release(address("10.0.0.4"));
    expect(pool.allocate()).toBe(address("10.0.0.4"));
  });

  test("lets an address rest before it is given again", () => {
    const pool = createAddressPool({ subnet: subnet("10.0.0.0/24"), reserved: [address("10.0.0.1")] });
    const first = pool.allocate() ?? 0;
    pool.release(first);
    expect(pool.allocate()).not.toBe(first);
  });

  test("gives from the range only, but takes asked addresses from the whole subnet", () => {
    const pool = createAddressPool({
      subnet: subnet("10.0.0.0/24"),
      range: subnet("10.0.0.128/30"),
      reserved: [address("10.0.0.128")],
    });
    expect([1, 2, 3, 4].map(() => pool.allocate())).toEqual([
      address("10.0.0.129"),
      address("10.0.0.130"),
      address("10.0.0.131"),
      undefined,
    ]);
    expect(pool.take(address("10.0.0.9"))).toBe(true);
    expect(pool.take(address("10.0.0.9"))).toBe(false);
    expect(pool.take(address("10.0.1.9"))).toBe(false);
    expect(pool.take(address("10.0.0.255"))).toBe(false);
  });

  test("never gives an address twice, whatever is released in between", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(40)), { maxLength: 200 }), (steps) => {
        const pool = createAddressPool({ subnet: subnet("10.0.0.0/27"), reserved: [address("10.0.0.1")] });
        const held: number[] = [];
        for (const step of steps) {
          if (step === null) {
            const given = pool.allocate();
            if (given === undefined) expect(held.length).toBe(29);
            else {
              expect(held).not.toContain(given);
              held.push(given);
            }
          } else if (held.length > 0) {
            for (const released of held.splice(step % held.length, 1)) pool.release(released);
          }
        }
      }),
    );
  });
});

describe("parseIpv4()", () => {
  test("reads back what formatIpv4() writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (one) => expect(parseIpv4(formatIpv4(one))).toBe(one)),
    );
  });

  test.each(["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "::1"])(
    "refuses %p",
    (text) => {
      expect(parseIpv4(text)).toBeUndefined();
    },
  );
});

describe("macAddressOf()", () => {
  test("derives 02:42 and the address's bytes", () => {
    expect(macAddressOf(address("172.17.0.2"))).toBe("02:42:ac:11:00:02");
  });
});
