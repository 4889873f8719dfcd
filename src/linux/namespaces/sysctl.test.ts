import { expect, test } from "bun:test";
import { sysctlPath } from "./sysctl.ts";

test.each([
  ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
  ["net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
  ["net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"],
])("sysctlPath() of %p is %p", (name, path) => {
  expect(sysctlPath(name)).toBe(path);
});
