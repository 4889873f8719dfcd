import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "#base";
import type { JoinRequest, LinuxNetworkService, PortPublication, SandboxRequest } from "#network";
import {
  askFrom,
  here,
  insidePrivateNamespace,
  makeRemoteHost,
  type Place,
  runAt,
  runInPrivateNamespace,
  serveAt,
  shell,
} from "./network-fixtures/private-namespace.ts";
import {
  failureOf,
  networkServices,
  plainNetwork,
  type RunningContainer,
} from "./network-fixtures/service-under-test.ts";

if (insidePrivateNamespace) suite();
else runInPrivateNamespace(import.meta.path);

function suite(): void {
  const services = networkServices();
  const servers: (() => void)[] = [];
  let stopRemoteServer = (): void => {};
  let remote: Place = here;

  const open = (of: { file?: string; id?: string } = {}): LinuxNetworkService => services.open(of.file, {}, of.id);
  const run = (
    service: LinuxNetworkService,
    publications: readonly Partial<PortPublication>[] = [],
    networks: readonly JoinRequest[] = [{ network: "bridge" }],
    more: Partial<SandboxRequest> = {},
  ): Promise<RunningContainer> => services.run(service, networks, publications, more);

  const serve = async (place: Place, protocol: "tcp" | "udp", port: number, name: string): Promise<void> => {
    servers.push(await serveAt(place, protocol, port, name));
  };

  beforeAll(async () => {
    shell("ip link set lo up");
    remote = await makeRemoteHost({ interfaceName: "up0", hereAddress: "10.77.0.1", thereAddress: "10.77.0.2" });
    shell("ip route add default via 10.77.0.2");
    stopRemoteServer = await serveAt(remote, "tcp", 7000, "remote");
  });

  afterEach(async () => {
    for (const stop of servers.splice(0)) stop();
    await services.clear();
  });

  afterAll(() => {
    stopRemoteServer();
    remote.stop();
    services.end();
  });

  describe("createSandbox()", () => {
    test("lets two containers of a bridge talk, by names of addresses that differ", async () => {
      const service = open();
      const one = await run(service);
      const two = await run(service);
      await serve(two, "tcp", 80, "two");
      expect(one.address).not.toBe(two.address);
      expect(await askFrom(one, "tcp", two.address, 80)).toBe(`two from ${one.address}`);
      expect(runAt(one, `busybox ping -c1 -W1 ${two.address}`).ok).toBe(true);
    });

    test("gives the way out by NAT with the MTU of the host's uplink", async () => {
      const service = open();
      const one = await run(service);
      expect(await askFrom(one, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
      expect(runAt(one, "cat /sys/class/net/eth0/mtu 2>/dev/null; ip link show eth0").output).toContain("mtu 1400");
    });

    test("sets Docker's sysctls and the requested ones, and no IPv6 but loopback", async () => {
      const service = open();
      const one = await run(service, [], [{ network: "bridge" }], {
        sysctls: { "net.ipv4.conf.eth0.rp_filter": "2", "net.ipv4.ip_unprivileged_port_start": "80" },
      });
      const read = (name: string) => runAt(one, `sysctl -n ${name}`).output.trim();
      expect(read("net.ipv4.ping_group_range")).toBe("0\t2147483647");
      expect(read("net.ipv4.ip_unprivileged_port_start")).toBe("80");
      expect(read("net.ipv4.conf.eth0.rp_filter")).toBe("2");
      expect(runAt(one, "ip -6 -o addr").output).not.toContain("eth0");
      const error = await failureOf(run(service, [], [{ network: "bridge" }], { sysctls: { "kernel.hostname": "x" } }));
      expect(error.code).toBe("network-invalid-sysctl");
    });

    test("makes a namespace with loopback only for no network", async () => {
      const service = open();
      const none = await run(service, [{ hostPort: 8088 }], []);
      expect(runAt(none, "ip -br link").output.trim().split("\n").length).toBe(1);
      expect(runAt(none, "busybox ping -c1 -W1 127.0.0.1").ok).toBe(true);
      expect(none.ports).toEqual([]);
    });
  });

  describe("published ports", () => {
    test("are reached from another host, from this host by any address, and by the container itself", async () => {
      const service = open();
      const web = await run(service, [{ hostPort: 8080 }]);
      const other = await run(service);
      await serve(web, "tcp", 80, "web");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("web from 10.77.0.2");
      expect(await askFrom(here, "tcp", "127.0.0.1", 8080)).toBe("web from 172.17.0.1");
      expect(await askFrom(here, "tcp", "10.77.0.1", 8080)).toBe("web from 10.77.0.1");
      expect(await askFrom(web, "tcp", "10.77.0.1", 8080)).toBe("web from 172.17.0.1");
      expect(await askFrom(other, "tcp", "10.77.0.1", 8080)).toBe("web from 172.17.0.1");
      service.releaseContainer(web.id);
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("no answer");
    });

    test("carry UDP", async () => {
      const service = open();
      const web = await run(service, [{ hostPort: 5353, containerPort: 53, protocol: "udp" }]);
      await serve(web, "udp", 53, "dns");
      expect(await askFrom(remote, "udp", "10.77.0.1", 5353)).toBe("dns from 10.77.0.2");
      expect(await askFrom(here, "udp", "127.0.0.1", 5353)).toBe("dns from 172.17.0.1");
    });

    test("on 127.0.0.1 and unpublished ones are closed to neighbours, even with a route to the bridge", async () => {
      const service = open();
      const web = await run(service, [{ hostPort: 8080, hostIp: "127.0.0.1" }]);
      await serve(web, "tcp", 80, "web");
      expect(await askFrom(here, "tcp", "127.0.0.1", 8080)).toBe("web from 172.17.0.1");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("no answer");
      runAt(remote, "ip route add 172.17.0.0/16 via 10.77.0.1; ip route add 127.0.0.1/32 via 10.77.0.1 table 7");
      // The neighbour sends to 127.0.0.1 over the cable (moby#45610).
      runAt(
        remote,
        "sysctl -qw net.ipv4.conf.all.route_localnet=1; ip rule del pref 0; ip rule add pref 10 table 7; ip rule add pref 20 table local",
      );
      expect(await askFrom(remote, "tcp", "127.0.0.1", 8080)).toBe("no answer");
      runAt(remote, "ip rule add pref 0 table local; ip rule del pref 10; ip rule del pref 20");
      expect(await askFrom(remote, "tcp", web.address, 80)).toBe("no answer");
      runAt(remote, "ip route del 172.17.0.0/16");
    });

    test("keep a container from the host's loopback services", async () => {
      const service = open();
      const web = await run(service);
      await serve(here, "tcp", 7100, "host");
      expect(await askFrom(web, "tcp", "172.17.0.1", 7100)).toBe(`host from ${web.address}`);
      runAt(
        web,
        "sysctl -qw net.ipv4.conf.all.route_localnet=1; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via 172.17.0.1; ip rule del pref 0; ip rule add pref 40000 table local",
      );
      expect(await askFrom(web, "tcp", "127.0.0.1", 7100)).toBe("no answer");
    });

    test("are refused in Docker's words when a container has them", async () => {
      const service = open();
      const web = await run(service, [{ hostPort: 8080 }]);
      const error = await failureOf(run(service, [{ hostPort: 8080, hostIp: "127.0.0.1" }]));
      expect(error.message).toMatch(
        /^driver failed programming external connectivity on endpoint web-\w+ \([0-9a-f]{64}\): Bind for 127\.0\.0\.1:8080 failed: port is already allocated by container web-\w+ \([0-9a-f]{12}\)$/,
      );
      expect(error.message).toContain(web.id.slice(0, 12));
      service.releaseContainer(web.id);
      await run(service, [{ hostPort: 8080, hostIp: "127.0.0.1" }]);
    });

    test("are refused with the process's name when the host has them, and held against it while published", async () => {
      const service = open();
      const stop = await serveAt(here, "tcp", 8090, "host");
      const error = await failureOf(run(service, [{ hostPort: 8090 }]));
      stop();
      expect(error.message).toContain("failed to bind host port for 0.0.0.0:8090:");
      expect(error.message).toMatch(/address already in use by process \S+ \(pid \d+\)$/);
      expect(service.endpointsOf(service.get("bridge").id)).toEqual([]);
      await run(service, [{ hostPort: 8091 }]);
      expect(() => Bun.listen({ hostname: "0.0.0.0", port: 8091, socket: { data: () => {} } })).toThrow();
    });

    test("may be random or from a range", async () => {
      const service = open();
      const web = await run(service, [{}, { containerPort: 81 }, { hostPort: 8000, hostPortEnd: 8001 }]);
      expect(web.ports.every((port) => port > 1024)).toBe(true);
      const next = await run(service, [{ hostPort: 8000, hostPortEnd: 8001 }]);
      // Each port has an entry for IPv4 and one for IPv6.
      expect([...new Set([...web.ports.slice(-2), ...next.ports])]).toEqual([8000, 8001]);
      const error = await failureOf(run(service, [{ hostPort: 8000, hostPortEnd: 8001 }]));
      expect(error.code).toBe("network-ports-exhausted");
    });
  });

  describe("user-defined networks", () => {
    test("are isolated from each other; fixed addresses are kept; names and subnets are unique", async () => {
      const service = open();
      const a = await service.create({ ...plainNetwork, name: "a", pools: [{ subnet: "10.88.1.0/24" }] });
      await service.create({ ...plainNetwork, name: "b" });
      const one = await run(service, [], [{ network: "a", ipv4: "10.88.1.77" }]);
      const two = await run(service, [], [{ network: "b" }]);
      await serve(two, "tcp", 80, "two");
      expect(one.address).toBe("10.88.1.77");
      expect(await askFrom(one, "tcp", two.address, 80)).toBe("no answer");
      expect(await askFrom(one, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
      expect((await failureOf(service.create({ ...plainNetwork, name: "a" }))).message).toBe(
        "network with name a already exists",
      );
      expect(
        (await failureOf(service.create({ ...plainNetwork, name: "c", pools: [{ subnet: "10.88.0.0/16" }] }))).message,
      ).toBe("Pool overlaps with other one on this address space");
      expect((await failureOf(run(service, [], [{ network: "a", ipv4: "10.88.1.77" }]))).message).toBe(
        "Address already in use",
      );
      expect((await failureOf(run(service, [], [{ network: "b", ipv4: "172.18.0.9" }]))).message).toBe(
        "invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets",
      );
      expect((await failureOf(service.remove("a"))).message).toContain("has active endpoints");
      service.releaseContainer(one.id);
      await service.remove(a.id.slice(0, 10));
      expect(shell("ip -br link")).not.toContain(a.bridgeName ?? "?");
    });

    test("that are internal have no way out and publish nothing; without icc containers do not meet", async () => {
      const service = open();
      await service.create({ ...plainNetwork, name: "inner", internal: true });
      const one = await run(service, [{ hostPort: 8080 }], [{ network: "inner" }]);
      const two = await run(service, [], [{ network: "inner" }]);
      await serve(two, "tcp", 80, "two");
      expect(await askFrom(one, "tcp", two.address, 80)).toBe(`two from ${one.address}`);
      expect(one.ports).toEqual([]);
      expect(runAt(one, "ip route show default").output).toBe("");
      runAt(
        one,
        "ip route add default via $(ip -4 -o addr show eth0 | sed 's/.* inet \\([0-9.]*\\)\\.[0-9]*\\/.*/\\1.1/')",
      );
      expect(await askFrom(one, "tcp", "10.77.0.2", 7000)).toBe("no answer");

      const options = { "com.docker.network.bridge.enable_icc": "false" };
      await service.create({ ...plainNetwork, name: "strangers", options });
      const left = await run(service, [], [{ network: "strangers" }]);
      const right = await run(service, [], [{ network: "strangers" }]);
      await serve(right, "tcp", 80, "right");
      expect(await askFrom(left, "tcp", right.address, 80)).toBe("no answer");
      expect(await askFrom(here, "tcp", right.address, 80)).toStartWith("right from");
    });
  });

  describe("restore()", () => {
    test("keeps what live containers hold after a crash and frees the rest", async () => {
      const first = open({ file: "crash.db" });
      const live = await run(first, [{ hostPort: 8080 }]);
      const dead = await run(first, [{ hostPort: 8081 }]);
      await serve(live, "tcp", 80, "live");
      dead.stop();
      // As a SIGKILL leaves it: sockets and handles close, nothing is removed.
      await first.close();
      shell("nft flush table ip berth");
      const second = open({ file: "crash.db" });
      await second.restore(services.live(live));
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("live from 10.77.0.2");
      expect(second.describe(live.id).ports[0]?.hostPort).toBe(8080);
      expect(second.describe(dead.id)).toEqual({ endpoints: [], ports: [] });
      expect((await failureOf(run(second, [{ hostPort: 8080 }]))).code).toBe("network-port-allocated");
      const next = await run(second, [{ hostPort: 8081 }]);
      expect(next.address).not.toBe(live.address);
    });

    test("puts live containers back into a bridge that is gone", async () => {
      const first = open({ file: "bridge.db" });
      const live = await run(first);
      await first.close();
      shell("ip link del berth0");
      const second = open({ file: "bridge.db" });
      await second.restore(services.live(live));
      expect(await askFrom(live, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
    });
  });

  test("the firewall comes back within moments after someone flushed it, and a deleted bridge with the next start", async () => {
    const service = open();
    const web = await run(service, [{ hostPort: 8080 }]);
    await serve(web, "tcp", 80, "web");
    for (const command of [
      "delete table ip berth",
      "flush map ip berth ports_any",
      "flush chain ip berth forward",
      "delete element ip berth bridges { berth0 }",
    ]) {
      const before = shell("nft -s list table ip berth");
      shell(`nft '${command}'`);
      const same = () => shell("nft -s list table ip berth 2>/dev/null || true") === before;
      for (let look = 0; look < 200 && !same(); look++) await Bun.sleep(50);
      expect(shell("nft -s list table ip berth")).toBe(before);
    }
    shell("ip link del berth0");
    const next = await run(service);
    expect(await askFrom(next, "tcp", web.address, 80)).toBe(`web from ${next.address}`);
  });

  test("two instances live side by side and remove only their own", async () => {
    const one = open({ id: "one" });
    const two = open({ id: "two" });
    const a = await run(one, [{ hostPort: 8080 }]);
    const b = await run(two, [{ hostPort: 8081 }]);
    await serve(a, "tcp", 80, "a");
    await serve(b, "tcp", 80, "b");
    expect(a.address.split(".")[1]).not.toBe(b.address.split(".")[1]);
    expect(await askFrom(a, "tcp", b.address, 80)).toBe("no answer");
    expect((await failureOf(run(two, [{ hostPort: 8080 }]))).code).toBe("network-port-in-use");
    a.stop();
    one.releaseContainer(a.id);
    await one.destroy();
    expect(await askFrom(remote, "tcp", "10.77.0.1", 8081)).toBe("b from 10.77.0.2");
  });

  test("counters are the container's, not the host side's", async () => {
    const service = open();
    const web = await run(service);
    const endpoint = service.describe(web.id).endpoints[0];
    const before = service.interfaceCounters(endpoint?.hostInterface ?? "");
    runAt(web, "busybox ping -c2 -i0.2 -s1000 172.17.0.1; busybox nc -u -w1 172.17.0.1 9 </dev/null");
    const after = service.interfaceCounters(endpoint?.hostInterface ?? "");
    expect((after?.txBytes ?? 0) - (before?.txBytes ?? 0)).toBeGreaterThan(2000);
    expect(service.interfaceCounters("bvnothing")).toBeUndefined();
  });

  test("500 containers come and go and leave nothing", async () => {
    const service = open();
    const descriptors = shell(`ls /proc/${process.pid}/fd | wc -l`);
    for (let round = 0; round < 500; round++) {
      const containerId = newId();
      const sandbox = await service.createSandbox({
        containerId,
        networks: [{ network: "bridge" }],
        publications: [{ containerPort: 80, protocol: "tcp", hostIp: "", hostPort: 8080 }],
      });
      sandbox.release();
      service.releaseContainer(containerId);
    }
    const deadline = Date.now() + 30_000;
    while (shell("ip -br link").includes("bv") && Date.now() < deadline) await Bun.sleep(50);
    expect(shell("ip -br link")).not.toContain("bv");
    expect(shell("nft list map ip berth ports_any")).not.toContain("elements");
    expect(Number(shell(`ls /proc/${process.pid}/fd | wc -l`))).toBeLessThanOrEqual(Number(descriptors) + 6);
    await service.destroy();
    expect(shell("ip -br link")).not.toContain("berth0");
    expect(shell("nft list ruleset")).toBe("");
  }, 90_000);
}
