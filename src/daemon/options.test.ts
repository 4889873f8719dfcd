import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDaemonOptions } from "./options.ts";

const scratch = mkdtempSync(join(tmpdir(), "berth-options-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const file = join(scratch, "daemon.json");

function inFile(document: unknown) {
  writeFileSync(file, JSON.stringify(document));
  return parseDaemonOptions(["--config-file", file]);
}
const flags = (...words: string[]) => {
  writeFileSync(file, "{}");
  return parseDaemonOptions(["--config-file", file, ...words]);
};

describe("parseDaemonOptions()", () => {
  test("takes Docker's options by both ways", () => {
    const options = inFile({
      dns: ["10.0.0.53"],
      "dns-search": ["example.com", "."],
      "dns-opts": ["ndots:3"],
      icc: false,
      "fixed-cidr": "172.20.0.0/24",
      bip: "172.20.0.1/16",
      "default-gateway": "172.20.0.9",
      "default-network-opts": { bridge: { "com.docker.network.driver.mtu": "1400" } },
      "host-gateway-ips": ["10.9.9.9", "fd00::9"],
      "userland-proxy": false,
      "live-restore": true,
      iptables: true,
      labels: ["rack=4", "zone=b"],
      "shutdown-timeout": 30,
      proxies: { "http-proxy": "http://proxy:3128", "no-proxy": "localhost" },
      features: { buildkit: true, cdi: false, "containerd-snapshotter": false },
      "log-format": "json",
      experimental: true,
      "exec-opts": ["native.cgroupdriver=cgroupfs"],
      "authorization-plugins": [],
      bridge: "",
    });
    expect(options.networks).toEqual({
      defaultBridge: {
        address: "172.20.0.1/16",
        address6: undefined,
        ipv6: false,
        range: "172.20.0.0/24",
        range6: undefined,
        gateway: "172.20.0.9",
        gateway6: undefined,
        interContainer: false,
        masquerade: true,
      },
      networkOptions: { bridge: { "com.docker.network.driver.mtu": "1400" } },
      ipForward: true,
      userlandProxy: false,
      hostGateways: ["10.9.9.9", "fd00::9"],
      dns: { servers: ["10.0.0.53"], search: ["example.com", "."], options: ["ndots:3"] },
    });
    expect(options).toMatchObject({
      labels: ["rack=4", "zone=b"],
      shutdownTimeoutSeconds: 30,
      proxies: { http: "http://proxy:3128", https: "", no: "localhost" },
      cdi: false,
      logFormat: "json",
      experimental: true,
    });
    const given = flags("--icc=false", "--userland-proxy=0", "--ip-masq=true", "--debug=1", "--label", "a=b");
    expect(given.networks.defaultBridge.interContainer).toBe(false);
    expect(given.networks.userlandProxy).toBe(false);
    expect([given.logLevel, given.labels]).toEqual(["debug", ["a=b"]]);
    expect(flags("--default-network-opt", "bridge=com.docker.network.driver.mtu=1300").networks.networkOptions).toEqual(
      {
        bridge: { "com.docker.network.driver.mtu": "1300" },
      },
    );
  });

  test.each([
    [["--icc=perhaps"], "true or false"],
    [["--dns", "nowhere"], "an IP address"],
    [["--dns-search=-x.com"], "a domain"],
    [["--default-gateway", "fd00::1"], "an IPv4 address"],
    [["--default-network-opt", "overlay=a=b"], "bridge, macvlan or ipvlan"],
    [["--feature", "containerd-snapshotter=true"], "containerd-snapshotter always off"],
    [["--exec-opt", "native.cgroupdriver=systemd"], "native.cgroupdriver=cgroupfs"],
    [["--label", "nothing"], "key=value"],
    [["--label", "a=1", "--label", "a=2"], "conflict labels for a=2 and a=1"],
    [["--log-format", "xml"], "text or json"],
    [["--shutdown-timeout", "soon"], "seconds"],
    [["--live-restore=false"], "containers always outlive the daemon"],
    [["--iptables=false"], "nftables rules"],
    [["-b", "br0"], "the default bridge is the daemon's own"],
    [["--containerd", "/run/containerd.sock"], "without containerd"],
    [["--authorization-plugin", "x"], "no plugins"],
    [["--swarm-default-advertise-addr", "eth0"], "no part in a swarm"],
  ])("refuses %p with the reason", (words, reason) => {
    expect(() => flags(...words)).toThrow(reason);
  });

  test("refuses in the file what it refuses as flags, and what nobody knows", () => {
    expect(() => inFile({ "authorization-plugins": ["x"] })).toThrow("no plugins");
    expect(() => inFile({ "live-restore": false })).toThrow("outlive");
    expect(() => inFile({ "node-generic-resources": ["gpu=1"] })).toThrow("swarm");
    expect(() => inFile({ "no-such-thing": 1 })).toThrow("don't match any configuration option: no-such-thing");
    expect(() => inFile({ dns: "10.0.0.1" })).toThrow("dns");
  });
});
