import { describe, expect, test } from "bun:test";
import type { NetworkRequest } from "./contract.ts";
import { planNetwork } from "./network-request.ts";

const request: NetworkRequest = {
  name: "net",
  driver: "bridge",
  pools: [],
  ipamDriver: "",
  ipamOptions: {},
  internal: false,
  attachable: false,
  ingress: false,
  scope: "",
  configOnly: false,
  configFrom: "",
  options: {},
  labels: {},
};

describe("planNetwork()", () => {
  test.each<[Partial<NetworkRequest>, string]>([
    [{ name: "bridge" }, "operation is not permitted on predefined bridge network"],
    [{ name: "../x" }, 'invalid network name "../x"'],
    [{ driver: "weave" }, 'plugin "weave" not found'],
    [{ driver: "overlay" }, "This node is not a swarm manager."],
    [{ ingress: true }, "This node is not a swarm manager."],
    [{ scope: "swarm" }, "This node is not a swarm manager."],
    [{ driver: "host" }, 'only one instance of "host" network is allowed'],
    [{ ipamDriver: "dhcp" }, 'plugin "dhcp" not found'],
    [{ enableIpv4: false }, "IPv4 or IPv6 must be enabled"],
    [{ configOnly: true, internal: true }, "configuration network can only contain network specific fields."],
    [{ configOnly: true, configFrom: "x" }, "a configuration network cannot depend on another configuration network"],
    [{ configFrom: "x", labels: { a: "b" } }, "user specified configurations are not supported"],
    [{ configFrom: "x", options: { a: "b" } }, "network driver options are not supported"],
    [{ options: { nonsense: "1" } }, "invalid network option nonsense: unknown"],
    [{ options: { "com.docker.network.driver.mtu": "9x" } }, '"9x" is not a number from 68 to 65535'],
    [{ options: { "com.docker.network.bridge.name": "a".repeat(16) } }, "is not an interface name"],
    [{ options: { "com.docker.network.bridge.name": 'x"; drop' } }, "is not an interface name"],
    [{ options: { "com.docker.network.bridge.enable_icc": "maybe" } }, "neither true nor false"],
    [{ options: { "com.docker.network.bridge.gateway_mode_ipv4": "odd" } }, "unknown gateway mode odd"],
    [
      { options: { "com.docker.network.bridge.gateway_mode_ipv4": "isolated" } },
      "only be used for an internal network",
    ],
    [{ options: { "com.docker.network.host_ipv4": "fd00::1" } }, "is not an IPv4 address"],
    [{ driver: "macvlan", options: { macvlan_mode: "odd" } }, "requested mode 'odd' is not valid"],
    [{ driver: "ipvlan", options: { macvlan_mode: "bridge" } }, "invalid network option macvlan_mode: unknown"],
    [{ driver: "ipvlan", options: { parent: "a/b" } }, '"a/b" is not an interface name'],
  ])("refuses %p", (change, message) => {
    expect(() => planNetwork({ ...request, ...change })).toThrow(message);
  });

  test.each<[NetworkRequest["pools"][number], string]>([
    [{ subnet: "10.0.0.1/24" }, "invalid network config:\ninvalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"],
    [{ subnet: "10.0.0.0" }, "invalid subnet 10.0.0.0: invalid CIDR block notation"],
    [{ subnet: "10.0.0.0/31" }, "no room for a container"],
    [
      { subnet: "10.0.0.0/24", gateway: "10.0.1.1" },
      "invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain",
    ],
    [{ subnet: "10.0.0.0/24", gateway: "10.0.0.255" }, "network or broadcast address"],
    [{ subnet: "10.0.0.0/24", gateway: "fd00::1" }, "invalid gateway fd00::1: parent subnet is an IPv4 block"],
    [{ gateway: "10.0.1.1" }, "invalid subnet : invalid CIDR block notation"],
    [{ subnet: "10.0.0.0/24", ipRange: "10.0.0.0/16" }, "CIDR block is bigger than its parent subnet 10.0.0.0/24"],
    [{ subnet: "10.0.0.0/24", ipRange: "10.0.0.9/25" }, "invalid ip-range 10.0.0.9/25: it should be 10.0.0.0/25"],
    [{ subnet: "10.0.0.0/24", ipRange: "10.0.1.0/25" }, "doesn't contain ip-range"],
    [{ subnet: "10.0.0.0/24", auxiliaryAddresses: { nas: "10.1.0.1" } }, "invalid auxiliary address nas:"],
    [{ subnet: "fd00::1/64" }, "invalid subnet fd00::1/64: it should be fd00::/64"],
  ])("refuses the subnet %p", (pool, message) => {
    expect(() => planNetwork({ ...request, enableIpv6: true, pools: [pool] })).toThrow(message);
  });

  test("says everything that is wrong with subnets at once", () => {
    const pools = [{ subnet: "10.0.0.1/24" }, { subnet: "10.1.0.0/16", gateway: "x" }];
    expect(() => planNetwork({ ...request, pools })).toThrow(
      "invalid network config:\n* invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24\n* invalid gateway x: invalid address",
    );
  });

  test("accepts Docker's options, and uses subnets of families that are on", () => {
    const pools = [{ subnet: "10.0.0.0/24" }, { subnet: "fd00::/64", gateway: "fd00::9" }];
    const options = { "com.docker.network.bridge.enable_icc": "false", "com.docker.network.enable_ipv6": "true" };
    expect(planNetwork({ ...request, options, pools }).pools.length).toBe(2);
    expect(planNetwork({ ...request, pools }).pools.length).toBe(1);
    expect(planNetwork({ ...request, driver: "macvlan", options: { parent: "eth0.10" } }).driver).toBe("macvlan");
  });
});
