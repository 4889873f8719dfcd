import { describe, expect, test } from "bun:test";
import { portElement } from "./port-elements.ts";
import { rulesetOf } from "./ruleset.ts";

const port = {
  protocol: "tcp",
  hostIp: "0.0.0.0",
  hostPort: 8080,
  containerIp: "172.17.0.2",
  containerPort: 80,
} as const;

describe("portElement()", () => {
  test("pads each field of key and value to four bytes, in network order", () => {
    const wildcard = portElement(port);
    expect(wildcard.map).toBe("ports_any");
    expect(wildcard.key.toString("hex")).toBe("060000001f900000");
    expect(wildcard.value?.toString("hex")).toBe("ac11000200500000");
    const one = portElement({ ...port, hostIp: "127.0.0.1", protocol: "udp" });
    expect(one.map).toBe("ports_address");
    expect(one.key.toString("hex")).toBe("7f000001110000001f900000");
  });

  test("knows IPv6, and ports that are open on the container's own address", () => {
    const six = portElement({ ...port, hostIp: "::", containerIp: "fd00::2" });
    expect([six.map, six.value?.toString("hex")]).toEqual(["ports_any", "fd00000000000000000000000000000200500000"]);
    const routed = portElement({ ...port, hostIp: "", hostPort: 0 });
    expect([routed.map, routed.key.toString("hex"), routed.value]).toEqual([
      "ports_routed",
      "ac1100020600000000500000",
      undefined,
    ]);
  });
});

describe("rulesetOf()", () => {
  test("replaces the table in one script and keeps internal networks out of masquerading", () => {
    const side = { subnets: ["10.1.0.0/16"], masquerade: true, unprotected: false, hostAddress: undefined };
    const bridge = { name: "b0", internal: false, interContainer: true, 4: side, 6: { ...side, subnets: [] } };
    const inner = { ...bridge, name: "b1", internal: true, 4: { ...side, subnets: ["10.2.0.0/16"] } };
    const text = rulesetOf("berth", 4, [bridge, inner], [port]);
    expect(text).toStartWith("add table ip berth\ndelete table ip berth\n");
    expect(text).toContain("set masqueraded { type ipv4_addr; flags interval; elements = { 10.1.0.0/16 }; }");
    expect(text).toContain('set internal { type ifname; elements = { "b1" }; }');
    expect(text).toContain("elements = { tcp . 8080 : 172.17.0.2 . 80 }");
  });
});
