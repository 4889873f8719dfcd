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
    expect(wildcard.value.toString("hex")).toBe("ac11000200500000");
    const one = portElement({ ...port, hostIp: "127.0.0.1", protocol: "udp" });
    expect(one.map).toBe("ports_address");
    expect(one.key.toString("hex")).toBe("7f000001110000001f900000");
  });
});

describe("rulesetOf()", () => {
  test("replaces the table in one script and keeps internal networks out of masquerading", () => {
    const bridge = { name: "b0", subnet: "10.1.0.0/16", internal: false, masquerade: true, interContainer: true };
    const text = rulesetOf("berth", [bridge, { ...bridge, name: "b1", subnet: "10.2.0.0/16", internal: true }], [port]);
    expect(text).toStartWith("add table ip berth\ndelete table ip berth\n");
    expect(text).toContain("set masqueraded { type ipv4_addr; flags interval; elements = { 10.1.0.0/16 }; }");
    expect(text).toContain('set internal { type ifname; elements = { "b1" }; }');
    expect(text).toContain("elements = { tcp . 8080 : 172.17.0.2 . 80 }");
  });
});
