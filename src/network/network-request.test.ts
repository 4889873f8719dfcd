import { describe, expect, test } from "bun:test";
import { checkNetworkRequest, parseAddressRequest } from "./network-request.ts";

const request = { name: "net", driver: "bridge", options: {} };

describe("checkNetworkRequest()", () => {
  test.each([
    [{ name: "bridge" }, "operation is not permitted on predefined bridge network"],
    [{ name: "../x" }, 'invalid network name "../x"'],
    [{ driver: "macvlan" }, 'plugin "macvlan" not found'],
    [{ driver: "host" }, 'only one instance of "host" network is allowed'],
    [{ options: { nonsense: "1" } }, "invalid network option nonsense: unknown"],
    [{ options: { "com.docker.network.driver.mtu": "9x" } }, '"9x" is not a number from 68 to 65535'],
    [{ options: { "com.docker.network.bridge.name": "a".repeat(16) } }, "is not an interface name"],
    [{ options: { "com.docker.network.bridge.name": 'x"; drop' } }, "is not an interface name"],
    [{ options: { "com.docker.network.bridge.enable_icc": "maybe" } }, "neither true nor false"],
  ])("refuses %p", (change, message) => {
    expect(() => checkNetworkRequest({ ...request, ...change })).toThrow(message);
  });

  test("accepts Docker's options", () => {
    checkNetworkRequest({ ...request, options: { "com.docker.network.bridge.enable_icc": "false" } });
  });
});

describe("parseAddressRequest()", () => {
  test.each([
    [{ subnet: "10.0.0.1/24" }, "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"],
    [{ subnet: "10.0.0.0/31" }, "no room for a container"],
    [{ subnet: "fd00::/64" }, "not an IPv4 network"],
    [{ subnet: "10.0.0.0/24", gateway: "10.0.1.1" }, "no matching subnet for gateway 10.0.1.1"],
    [{ subnet: "10.0.0.0/24", gateway: "10.0.0.255" }, "network or broadcast address"],
    [{ gateway: "10.0.1.1" }, "no matching subnet for gateway 10.0.1.1"],
    [{ subnet: "10.0.0.0/24", ipRange: "10.0.0.0/16" }, "no matching subnet for range 10.0.0.0/16"],
  ])("refuses %p", (asked, message) => {
    expect(() => parseAddressRequest(asked)).toThrow(message);
  });
});
