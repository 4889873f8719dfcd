import { expect, test } from "bun:test";
import { checkHostAddress, parseAddressPool } from "./address-pools.ts";

test("parseAddressPool() reads pools of both families", () => {
  expect(parseAddressPool("10.0.0.0/8", 24)).toMatchObject({ base: { family: 4, prefixLength: 8 }, prefixLength: 24 });
  expect(parseAddressPool("fd00::/48", 64)).toMatchObject({ base: { family: 6, prefixLength: 48 }, prefixLength: 64 });
});

test.each([
  ["10.0.0.1/8", 24, "it should be 10.0.0.0/8"],
  ["10.0.0.0", 24, "not a network in CIDR form"],
  ["10.0.0.0/24", 16, "do not fit"],
  ["10.0.0.0/24", 31, "do not fit"],
  ["10.0.0.0/24", Number.NaN, "do not fit"],
  ["fd00::/16", 64, "do not fit"],
] as const)("parseAddressPool() refuses %p of size %p", (base, size, message) => {
  expect(() => parseAddressPool(base, size)).toThrow(message);
});

test("checkHostAddress() takes IPv4 addresses only", () => {
  expect(checkHostAddress("127.0.0.1")).toBe("127.0.0.1");
  expect(() => checkHostAddress("localhost")).toThrow("it is not an IPv4 address");
});
