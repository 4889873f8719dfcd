import { describe, expect, test } from "bun:test";
import { buildResolvConf } from "./resolv-conf.ts";

const none = { hostNetwork: false, hasNameServer: false, hasIpv6: false, dns: [], dnsSearch: [], dnsOptions: [] };
const settings = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("buildResolvConf()", () => {
  test("takes the host's servers, search and options, without loopback and IPv6 servers", () => {
    const hostResolvConf =
      "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.1 ; inline\nnameserver fd00::1\nsearch a.example b.example\noptions ndots:2 timeout:1\nsortlist 10.0.0.0\n";
    expect(settings(buildResolvConf({ ...none, hostResolvConf }))).toEqual([
      "nameserver 10.0.0.1",
      "search a.example b.example",
      "options ndots:2 timeout:1",
      "sortlist 10.0.0.0",
    ]);
  });

  test("falls back to public servers when the host has only loopback ones, or none", () => {
    for (const hostResolvConf of ["", "nameserver 127.0.0.1\nnameserver ::1\n"]) {
      expect(settings(buildResolvConf({ ...none, hostResolvConf }))).toEqual([
        "nameserver 8.8.8.8",
        "nameserver 8.8.4.4",
      ]);
    }
  });

  test("puts the container's own settings in the host's place and says so", () => {
    const text = buildResolvConf({
      ...none,
      hostResolvConf: "nameserver 10.0.0.1\nsearch a.example\noptions ndots:2\n",
      dns: ["127.0.0.1", "1.1.1.1"],
      dnsSearch: ["."],
      dnsOptions: ["rotate"],
    });
    expect(settings(text)).toEqual(["nameserver 127.0.0.1", "nameserver 1.1.1.1", "options rotate"]);
    expect(text).toEndWith("# Overrides: [nameservers search options]\n");
  });

  test("leaves the host's file as it is on the host's network", () => {
    const hostResolvConf = "nameserver 127.0.0.53\n# kept\n";
    expect(buildResolvConf({ ...none, hostNetwork: true, hostResolvConf })).toBe(hostResolvConf);
    expect(settings(buildResolvConf({ ...none, hostNetwork: true, hostResolvConf, dnsSearch: ["x"] }))).toEqual([
      "nameserver 127.0.0.53",
      "search x",
    ]);
  });

  test("names the container's own server, which asks the others, and keeps names without dots to it", () => {
    const hostResolvConf = "nameserver 127.0.0.53\nnameserver fd00::1\nsearch a.example\noptions edns0\n";
    const text = buildResolvConf({ ...none, hasNameServer: true, hostResolvConf });
    expect(settings(text)).toEqual(["nameserver 127.0.0.11", "search a.example", "options edns0 ndots:0"]);
    expect(text).toContain("# ExtServers: [127.0.0.53 fd00::1]\n");
    const own = buildResolvConf({ ...none, hasNameServer: true, hostResolvConf, dnsOptions: ["ndots:3"] });
    expect(settings(own)).toContain("options ndots:3");
  });

  test("keeps IPv6 servers where the container has IPv6", () => {
    const hostResolvConf = "nameserver fd00::1\n";
    expect(settings(buildResolvConf({ ...none, hasIpv6: true, hostResolvConf }))).toEqual(["nameserver fd00::1"]);
  });
});
