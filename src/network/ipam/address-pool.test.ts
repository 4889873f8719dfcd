import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { createAddressPool } from "./address-pool.ts";
import { formatIp, type IpAddress, macAddressOf, parseCidr, parseIp, type Subnet } from "./ip-address.ts";

function subnet(text: string): Subnet {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function address(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

describe("createAddressPool()", () => {
  test("gives every address but network, broadcast and gateway, then nothing, then what was released", () => {
    const pool = createAddressPool({ subnet: subnet("10.0.0.0/29"), reserved: [address("10.0.0.1")] });
    const given = Array.from({ length: 6 }, () => pool.allocate());
    expect(given.map((one) => (one === undefined ? undefined : formatIp(one)))).toEqual([
      "10.0.0.2",
      "10.0.0.3",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
      undefined,
    ]);
    pool.release(address("10.0.0.4"));
    expect(pool.allocate()).toEqual(address("10.0.0.4"));
  });

  test("lets an address rest before it is given again", () => {
    const pool = createAddressPool({ subnet: subnet("10.0.0.0/24"), reserved: [address("10.0.0.1")] });
    const first = pool.allocate() ?? address("0.0.0.0");
    pool.release(first);
    expect(pool.allocate()).not.toEqual(first);
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

  test("serves a /64 without counting it, and keeps the gateway and the routers' address back", () => {
    const pool = createAddressPool({ subnet: subnet("fd00::/64"), reserved: [address("fd00::1")] });
    expect([pool.allocate(), pool.allocate()]).toEqual([address("fd00::2"), address("fd00::3")]);
    expect(pool.take(address("fd00::4"))).toBe(true);
    expect(pool.allocate()).toEqual(address("fd00::5"));
    expect(pool.take(address("fd00::"))).toBe(false);
    expect(pool.take(address("fd00::ffff:ffff:ffff:ffff"))).toBe(true);
  });

  test("never gives an address twice, whatever is released in between", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(40)), { maxLength: 200 }), (steps) => {
        const pool = createAddressPool({ subnet: subnet("10.0.0.0/27"), reserved: [address("10.0.0.1")] });
        const held: IpAddress[] = [];
        for (const step of steps) {
          if (step === null) {
            const given = pool.allocate();
            if (given === undefined) expect(held.length).toBe(29);
            else {
              expect(held).not.toContainEqual(given);
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

describe("parseIp()", () => {
  const anyAddress = fc.oneof(
    fc.bigInt({ min: 0n, max: 0xffffffffn }).map((value): IpAddress => ({ family: 4, value })),
    fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value): IpAddress => ({ family: 6, value })),
  );

  test("reads back what formatIp() writes", () => {
    fc.assert(fc.property(anyAddress, (one) => expect(parseIp(formatIp(one))).toEqual(one)));
  });

  test.each([
    ["fd00:0:0:1::", "fd00:0:0:1::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["::", "::"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ])("writes %p as %p (RFC 5952)", (text, canonical) => {
    expect(formatIp(address(text))).toBe(canonical);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    ":::1",
    "fe80::1%eth0",
    "g::",
  ])("refuses %p", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

describe("macAddressOf()", () => {
  test("derives 02:42 and the address's bytes", () => {
    expect(macAddressOf(address("172.17.0.2"))).toBe("02:42:ac:11:00:02");
  });
});
