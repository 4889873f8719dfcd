import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { runCommand } from "../engines/command.ts";
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
import { failureOf, networkServices, type RunningContainer } from "./network-fixtures/service-under-test.ts";

if (insidePrivateNamespace) suite();
else runInPrivateNamespace(import.meta.path);

function suite(): void {
  const { open, create, run, requestOf, live, clear, end } = networkServices();
  const servers: (() => void)[] = [];
  let remote: Place = here;
  let stopRemote = (): void => {};
  const serve = async (place: Place, name: string, port = 80): Promise<void> => {
    servers.push(await serveAt(place, "tcp", port, name));
  };
  const port = (hostPort: number, containerPort = 80) =>
    ({ containerPort, protocol: "tcp", hostIp: "", hostPort }) as const;
  /** The forwarder takes connections at once and answers when it has started, which a loaded machine may take its time for. */
  const answerTo = async (...question: Parameters<typeof askFrom>): Promise<string> => {
    for (let tries = 0; tries < 30; tries++) {
      const answer = await askFrom(...question);
      if (answer !== "no answer") return answer;
    }
    return "no answer";
  };
  const defaultRoute = (place: Place, family: "-4" | "-6" = "-4"): string =>
    /dev (\S+)/.exec(runAt(place, `ip ${family} route show default`).output)?.[1] ?? "none";

  beforeAll(async () => {
    shell("ip link set lo up");
    remote = await makeRemoteHost({ interfaceName: "up0", hereAddress: "10.77.0.1", thereAddress: "10.77.0.2" });
    shell("ip -6 addr add fd77::1/64 dev up0 nodad; ip route add default via 10.77.0.2");
    runAt(remote, "ip -6 addr add fd77::2/64 dev far0 nodad");
    stopRemote = await serveAt(remote, "tcp", 7000, "remote");
  });

  afterEach(async () => {
    for (const stop of servers.splice(0)) stop();
    await clear();
  });

  afterAll(() => {
    stopRemote();
    remote.stop();
    end();
  });

  describe("IPv6", () => {
    test("has addresses, a way out by NAT, and neighbours; the host's own way out stays", async () => {
      const service = open();
      const network = await create(service, "six", { enableIpv6: true });
      expect(network.pools.map(({ subnet }) => subnet)[1]).toMatch(/^fd[0-9a-f:]+::\/64$/);
      const one = await run(service, ["six"]);
      const two = await run(service, ["six"]);
      await serve(two, "two");
      expect(await askFrom(one, "tcp", two.address6, 80)).toBe(`two from ${one.address6}`);
      expect(await askFrom(one, "tcp", "fd77::2", 7000)).toBe("remote from fd77::1");
      expect(shell("sysctl -n net.ipv6.conf.all.forwarding").trim()).toBe("1");
      expect(shell("sysctl -n net.ipv6.conf.up0.accept_ra").trim()).toBe("2");
      expect(runAt(one, "sysctl -n net.ipv6.conf.eth0.accept_ra").output.trim()).toBe("0");
    });

    test("published ports are reached from others and from this host, with the source kept; others are closed", async () => {
      const service = open();
      await create(service, "six", { enableIpv6: true });
      await create(service, "other", { enableIpv6: true });
      const web = await run(service, ["six"], [{ hostPort: 8080 }, { hostPort: 8081, hostIp: "fd77::1" }]);
      const stranger = await run(service, ["other"]);
      await serve(web, "web");
      await serve(web, "hidden", 81);
      expect(await askFrom(remote, "tcp", "fd77::1", 8080)).toBe("web from fd77::2");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("web from 10.77.0.2");
      expect(await askFrom(here, "tcp", "fd77::1", 8080)).toStartWith("web from ");
      expect(await askFrom(web, "tcp", "fd77::1", 8080)).toStartWith("web from ");
      expect(await askFrom(stranger, "tcp", "fd77::1", 8080)).toStartWith("web from ");
      expect(await askFrom(stranger, "tcp", web.address6, 80)).toBe("no answer");
      expect(await askFrom(remote, "tcp", "fd77::1", 8081)).toBe("web from fd77::2");
      runAt(remote, `ip -6 route add ${web.address6}/128 via fd77::1`);
      expect(await askFrom(remote, "tcp", web.address6, 80)).toBe("no answer");
      expect(await askFrom(remote, "tcp", web.address6, 81)).toBe("no answer");
      expect(service.describe(web.id).ports.map(({ hostIp, hostPort }) => `${hostIp}:${hostPort}`)).toEqual([
        "0.0.0.0:8080",
        ":::8080",
        "fd77::1:8081",
      ]);
      const taken = await failureOf(run(service, ["six"], [{ hostPort: 8080, hostIp: "fd77::1" }]));
      expect(taken.code).toBe("network-port-allocated");
    });

    test("published ports are reached from [::1], and across the families, while the daemon lives", async () => {
      const service = open("forwarded.db");
      await create(service, "six", { enableIpv6: true });
      await create(service, "four");
      await create(service, "only", { enableIpv4: false, enableIpv6: true, pools: [{ subnet: "fd42:2::/64" }] });
      const both = await run(service, ["six"], [{ hostPort: 8080 }, { hostPort: 8081, hostIp: "::1" }]);
      const four = await run(
        service,
        ["four"],
        [
          { hostPort: 8082 },
          { hostPort: 8083, hostIp: "fd77::1" },
          { hostPort: 8053, protocol: "udp", containerPort: 53 },
          { hostPort: 8084, hostIp: "127.0.0.1" },
        ],
      );
      const six = await run(service, ["only"], [{ hostPort: 8085 }]);
      for (const [place, name] of [
        [both, "both"],
        [four, "four"],
        [six, "six"],
      ] as const) {
        await serve(place, name);
      }
      servers.push(await serveAt(four, "udp", 53, "names"));
      expect(await answerTo(here, "tcp", "::1", 8080)).toStartWith("both from ");
      expect(await answerTo(here, "tcp", "::1", 8081)).toStartWith("both from ");
      expect(await askFrom(remote, "tcp", "fd77::1", 8081)).toBe("no answer");
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("four from ");
      expect(await answerTo(remote, "tcp", "fd77::1", 8082)).toStartWith("four from ");
      expect(await answerTo(remote, "tcp", "10.77.0.1", 8082)).toBe("four from 10.77.0.2");
      expect(await answerTo(remote, "tcp", "fd77::1", 8083)).toStartWith("four from ");
      expect(await askFrom(here, "tcp", "::1", 8083)).toBe("no answer");
      expect(await answerTo(here, "udp", "::1", 8053)).toStartWith("names from ");
      expect(await answerTo(remote, "udp", "fd77::1", 8053)).toStartWith("names from ");
      expect(await askFrom(here, "tcp", "::1", 8084)).toBe("no answer");
      expect(await answerTo(remote, "tcp", "10.77.0.1", 8085)).toStartWith("six from ");
      expect(await answerTo(remote, "tcp", "fd77::1", 8085)).toBe("six from fd77::2");
      expect(service.describe(four.id).ports.map(({ hostIp, hostPort }) => `${hostIp}:${hostPort}`)).toEqual([
        "0.0.0.0:8082",
        ":::8082",
        "fd77::1:8083",
        "0.0.0.0:8053",
        ":::8053",
        "127.0.0.1:8084",
      ]);
      const taken = await failureOf(run(service, ["six"], [{ hostPort: 8082, hostIp: "::1" }]));
      expect(taken.code).toBe("network-port-allocated");

      // A port is free for the next container as soon as its container has gone.
      service.releaseContainer(four.id);
      const next = await run(service, ["four"], [{ hostPort: 8082 }, { hostPort: 8053, protocol: "udp" }]);
      await serve(next, "next");
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("next from ");

      // Another daemon takes over what lives.
      await service.close();
      expect(await askFrom(here, "tcp", "::1", 8082)).toBe("no answer");
      const again = open("forwarded.db");
      await again.restore(live(both, next));
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("next from ");
      expect(await answerTo(here, "tcp", "::1", 8080)).toStartWith("both from ");
    });

    test("a forwarder that dies is made again", async () => {
      const service = open();
      await create(service, "four");
      const web = await run(service, ["four"], [{ hostPort: 8082 }]);
      await serve(web, "web");
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("web from ");
      const forwarders = (): readonly string[] =>
        shell(`pgrep -P ${process.pid} -f 'main.ts forwarder' || true`)
          .split("\n")
          .filter((pid) => pid !== "");
      const [first] = forwarders();
      process.kill(Number(first), "SIGKILL");
      while (forwarders().includes(first ?? "none")) await Bun.sleep(5);
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("web from ");
    });

    test("joining another network moves a published port without letting go of it", async () => {
      const service = open();
      await create(service, "a");
      await create(service, "b", { internal: true });
      const web = await run(service, ["a"], [{ hostPort: 8082 }]);
      await serve(web, "web");
      const request = requestOf(web, [port(8082)]);
      await create(service, "front");
      await service.connect(request, { network: "front", gatewayPriority: 5 });
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("web from ");
      await service.disconnect(request, service.get("front").id);
      expect(await answerTo(here, "tcp", "::1", 8082)).toStartWith("web from ");
      expect(await answerTo(remote, "tcp", "10.77.0.1", 8082)).toBe("web from 10.77.0.2");
    });

    test("alone works too, and a fixed address is kept", async () => {
      const service = open();
      await create(service, "only", { enableIpv4: false, enableIpv6: true, pools: [{ subnet: "fd42:1::/64" }] });
      const web = await run(service, [{ network: "only", ipv6: "fd42:1::77" }], [{ hostPort: 8080 }]);
      await serve(web, "web");
      expect([web.address, web.address6]).toEqual(["", "fd42:1::77"]);
      expect(await askFrom(remote, "tcp", "fd77::1", 8080)).toBe("web from fd77::2");
      expect(runAt(web, "ip -4 -o addr show eth0").output).toBe("");
    });
  });

  describe("several subnets", () => {
    test("are used one after the other, without what is reserved", async () => {
      const service = open();
      await create(service, "many", {
        pools: [
          {
            subnet: "10.81.0.0/29",
            ipRange: "10.81.0.4/30",
            gateway: "10.81.0.3",
            auxiliaryAddresses: { nas: "10.81.0.5" },
          },
          { subnet: "10.82.0.0/24" },
        ],
      });
      const first = await run(service, ["many"]);
      const second = await run(service, ["many"]);
      const third = await run(service, ["many"]);
      expect([first.address, second.address, third.address]).toEqual(["10.81.0.4", "10.81.0.6", "10.82.0.2"]);
      await serve(third, "third");
      expect(await askFrom(third, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
      const reserved = await failureOf(run(service, [{ network: "many", ipv4: "10.81.0.5" }]));
      expect(reserved.message).toBe("Address already in use");
    });

    test("that are full say so", async () => {
      const service = open();
      await create(service, "small", { pools: [{ subnet: "10.81.0.0/30" }] });
      await run(service, ["small"]);
      const error = await failureOf(run(service, ["small"]));
      expect(error.message).toBe("no available IPv4 addresses on this network's address pools: small (10.81.0.0/30)");
      expect(error.kind).toBe("exhausted");
    });
  });

  describe("several networks", () => {
    test("give several interfaces; the way out goes by priority, then by name", async () => {
      const service = open();
      await create(service, "b-net");
      await create(service, "a-net");
      await create(service, "inner", { internal: true });
      const plain = await run(service, ["inner", "b-net", "a-net"]);
      expect(defaultRoute(plain)).toBe("eth2");
      const preferred = await run(service, ["a-net", { network: "b-net", gatewayPriority: 5 }]);
      expect(defaultRoute(preferred)).toBe("eth1");
      expect(await askFrom(preferred, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
    });

    test("interfaces take names, settings and link-local addresses of their own", async () => {
      const service = open();
      await create(service, "tuned");
      const one = await run(service, [
        {
          network: "tuned",
          macAddress: "02-42-AC-11-00-99",
          linkLocalAddresses: ["169.254.9.9"],
          driverOptions: {
            "com.docker.network.endpoint.ifname": "net.x",
            "com.docker.network.endpoint.sysctls":
              "net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.ifname.rp_filter=2",
          },
        },
      ]);
      const output = runAt(one, "ip -o addr show net.x; cat /proc/sys/net/ipv4/conf/net.x/log_martians").output;
      expect(output).toContain("169.254.9.9/16");
      expect(output.trim()).toEndWith("1");
      expect(runAt(one, "cat /proc/sys/net/ipv4/conf/net.x/rp_filter").output.trim()).toBe("2");
      expect(runAt(one, "ip link show net.x").output).toContain("02:42:ac:11:00:99");
      for (const [options, message] of [
        [{ "com.docker.network.endpoint.sysctls": "kernel.x=1" }, "unrecognised network interface sysctl"],
        [{ "com.docker.network.endpoint.ifname": "a/b" }, "is not an interface name"],
      ] as const) {
        expect((await failureOf(run(service, [{ network: "tuned", driverOptions: options }]))).message).toContain(
          message,
        );
      }
    });
  });

  describe("connect() and disconnect()", () => {
    test("change a running container's interfaces, ways out and ports", async () => {
      const service = open();
      const inner = await create(service, "inner", { internal: true });
      const outer = await create(service, "outer");
      const web = await run(service, ["inner"], [{ hostPort: 8080 }]);
      await serve(web, "web");
      const request = requestOf(web, [port(8080)]);
      expect(await askFrom(web, "tcp", "10.77.0.2", 7000)).toBe("no answer");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("no answer");
      const endpoint = await service.connect(request, { network: "outer", names: ["web"] });
      expect([endpoint.networkName, endpoint.interfaceName]).toEqual(["outer", "eth1"]);
      expect(await askFrom(web, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("web from 10.77.0.2");
      expect(await askFrom(web, "tcp", "10.77.0.1", 8080)).toStartWith("web from ");
      const again = await failureOf(service.connect(request, { network: "outer" }));
      expect(again.message).toBe(`endpoint with name ${web.name} already exists in network outer`);
      expect((await failureOf(service.remove("outer"))).kind).toBe("forbidden");

      expect(await service.disconnect(request, outer.id)).toBe(true);
      expect(await service.disconnect(request, outer.id)).toBe(false);
      expect(runAt(web, "ip -br link").output).not.toContain("eth1");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("no answer");
      expect(shell("nft list ruleset")).not.toContain("8080 :");
      await service.remove("outer");
      expect(service.describe(web.id).endpoints.map(({ networkId }) => networkId)).toEqual([inner.id]);
    });

    test("leave everything as it was when they fail", async () => {
      const service = open();
      await create(service, "one", { pools: [{ subnet: "10.81.0.0/24" }] });
      await create(service, "two", { pools: [{ subnet: "10.82.0.0/24" }] });
      const holder = await run(service, ["one"], [{ hostPort: 8080 }]);
      const web = await run(service, [{ network: "one", gatewayPriority: -1 }], []);
      const state = () => shell("nft -s list ruleset") + runAt(web, "ip -br link; ip route").output;
      const before = state();
      // The port it would publish from then on is somebody else's.
      const request = requestOf(web, [port(8080)]);
      expect((await failureOf(service.connect(request, { network: "two" }))).code).toBe("network-port-allocated");
      const wrong = service.connect(requestOf(web), { network: "two", ipv4: "10.99.0.1" });
      expect((await failureOf(wrong)).code).toBe("network-address-outside");
      expect(state()).toBe(before);
      expect(service.describe(web.id).endpoints.length).toBe(1);
      expect(defaultRoute(web)).toBe("eth0");
      expect(holder.ports).toEqual([8080, 8080]);
    });
  });

  describe("gateway modes", () => {
    const mode = (value: string) => ({ "com.docker.network.bridge.gateway_mode_ipv4": value });
    const reach = (web: RunningContainer) => {
      runAt(remote, `ip route replace ${web.address}/32 via 10.77.0.1`);
    };

    test("routed: published ports are open on the container's own address, and it shows that address", async () => {
      const service = open();
      await create(service, "routed", { options: mode("routed") });
      const web = await run(service, ["routed"], [{ hostPort: 8080 }]);
      await serve(web, "web");
      await serve(web, "hidden", 81);
      reach(web);
      expect(await askFrom(remote, "tcp", web.address, 80)).toBe("web from 10.77.0.2");
      expect(await askFrom(remote, "tcp", web.address, 81)).toBe("no answer");
      expect(await askFrom(remote, "tcp", "10.77.0.1", 8080)).toBe("no answer");
      expect(await askFrom(web, "tcp", "10.77.0.2", 7000)).toBe(`remote from ${web.address}`);
      service.releaseContainer(web.id);
      expect(await askFrom(remote, "tcp", web.address, 80)).toBe("no answer");
    });

    test("nat-unprotected: all ports are open; isolated: the host has no address on the bridge", async () => {
      const service = open();
      await create(service, "bare", { options: mode("nat-unprotected") });
      const web = await run(service, ["bare"]);
      await serve(web, "web");
      reach(web);
      expect(await askFrom(remote, "tcp", web.address, 80)).toBe("web from 10.77.0.2");
      const isolated = await create(service, "cut", { internal: true, options: mode("isolated") });
      expect(shell(`ip -4 -o addr show ${isolated.bridgeName ?? ""}`)).toBe("");
    });

    test("host_ipv4: outgoing connections take the address that was named", async () => {
      const service = open();
      shell("ip addr add 10.77.0.9/24 dev up0");
      await create(service, "named", { options: { "com.docker.network.host_ipv4": "10.77.0.9" } });
      const one = await run(service, ["named"]);
      expect(await askFrom(one, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.9");
      shell("ip addr del 10.77.0.9/24 dev up0");
    });
  });

  describe("the host", () => {
    test("may drop what comes in: names, published ports and the way out stay", async () => {
      shell(`nft 'table inet mine { chain input { type filter hook input priority 0; policy drop;
        iif lo accept; ct state established,related accept; }; }'`);
      try {
        const service = open();
        await create(service, "back");
        const own = { nameServer: { servers: [] } };
        const web = await run(service, ["back"], [{ hostPort: 8080 }], { ...own, containerName: "web" });
        const other = await run(service, ["back"], [], own);
        await serve(web, "web");
        const asked = await runCommand([
          ...["nsenter", `--net=${other.path}`, "busybox", "nslookup", "web", "127.0.0.11"],
        ]);
        expect(asked.stdout).toContain(`Address: ${web.address}`);
        expect(await answerTo(remote, "tcp", "10.77.0.1", 8080)).toBe("web from 10.77.0.2");
        expect(await answerTo(here, "tcp", "127.0.0.1", 8080)).toStartWith("web from ");
        expect(await answerTo(other, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
        // What is blocked is the host itself, for containers too.
        servers.push(await serveAt(here, "tcp", 7001, "host"));
        expect(await askFrom(other, "tcp", "10.77.0.1", 7001)).toBe("no answer");
        expect(await answerTo(here, "tcp", "127.0.0.1", 7001)).toStartWith("host from ");
      } finally {
        shell("nft delete table inet mine");
      }
    });

    test("may change its address: what goes out takes the new one, and ports are published on it", async () => {
      const service = open();
      await create(service, "back");
      const web = await run(service, ["back"], [{ hostPort: 8080 }]);
      await serve(web, "web");
      expect(await answerTo(web, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.1");
      try {
        shell(
          "ip addr add 10.77.0.9/24 dev up0; ip addr del 10.77.0.1/24 dev up0; ip addr replace 10.77.0.9/24 dev up0",
        );
        shell("ip route replace default via 10.77.0.2");
        expect(await answerTo(web, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.9");
        expect(await answerTo(remote, "tcp", "10.77.0.9", 8080)).toBe("web from 10.77.0.2");
      } finally {
        shell(
          "ip addr add 10.77.0.1/24 dev up0; ip addr del 10.77.0.9/24 dev up0; ip addr replace 10.77.0.1/24 dev up0",
        );
        shell("ip route replace default via 10.77.0.2");
      }
    });
  });

  describe("templates", () => {
    test("lend their settings to networks, and stay while one uses them", async () => {
      const service = open();
      await create(service, "template", { configOnly: true, pools: [{ subnet: "10.81.0.0/24" }], labels: { a: "b" } });
      const made = await create(service, "made", { configFrom: "template" });
      expect([made.driver, made.pools[0]?.subnet, made.labels]).toEqual(["bridge", "10.81.0.0/24", { a: "b" }]);
      expect((await failureOf(run(service, ["template"]))).message).toBe(
        "cannot create endpoint on configuration-only network",
      );
      expect((await failureOf(service.remove("template"))).message).toBe('configuration network "template" is in use');
      expect((await failureOf(create(service, "x", { configFrom: "made" }))).message).toContain(
        'network "made" is not a configuration network',
      );
      expect((await failureOf(create(service, "x", { configFrom: "nosuch" }))).kind).toBe("not-found");
      await service.remove("made");
      await service.remove("template");
    });
  });

  describe("macvlan", () => {
    test("makes containers hosts of their parent's network", async () => {
      const service = open();
      let lans = 0;
      const lan = (name: string, more: Record<string, string> = {}) => {
        const subnet = `10.${77 + lans++}.0.0/24`;
        const pools = [{ subnet, ...(subnet.startsWith("10.77.") ? { gateway: "10.77.0.2" } : {}) }];
        return create(service, name, { driver: "macvlan", options: { parent: "up0", ...more }, pools });
      };
      await lan("lan");
      const one = await run(service, [{ network: "lan", ipv4: "10.77.0.50" }], [{ hostPort: 8080 }]);
      const two = await run(service, [{ network: "lan", ipv4: "10.77.0.51" }]);
      await serve(one, "one");
      expect(await askFrom(remote, "tcp", "10.77.0.50", 80)).toBe("one from 10.77.0.2");
      expect(await askFrom(two, "tcp", "10.77.0.50", 80)).toBe("one from 10.77.0.51");
      expect(await askFrom(two, "tcp", "10.77.0.2", 7000)).toBe("remote from 10.77.0.51");
      expect(one.ports).toEqual([]);
      expect(defaultRoute(one)).toBe("eth0");
      await lan("lan2");
      expect((await failureOf(lan("lan3", { macvlan_mode: "passthru" }))).message).toBe(
        "network lan is already using parent interface up0",
      );
      expect((await failureOf(lan("lan4", { parent: "nosuch0" }))).message).toContain(
        "was not found on the host: nosuch0",
      );
      service.releaseContainer(one.id);
      expect(await service.disconnect(requestOf(two), service.get("lan").id)).toBe(true);
      await service.remove("lan");
      expect(shell("ip -br link show up0")).toContain("UP");
    });

    /** Whether this kernel can make a kind of interface. */
    const hasKind = (kind: string, ...more: string[]): boolean => {
      const made = runAt(here, `ip link add link up0 name probe0 type ${kind} ${more.join(" ")}`).ok;
      if (made) shell("ip link del probe0");
      return made;
    };

    test("ipvlan in layer 3 has no gateway; a kernel without it says so", async () => {
      const service = open();
      const made = create(service, "iv", {
        driver: "ipvlan",
        options: { parent: "up0", ipvlan_mode: "l3" },
        pools: [{ subnet: "10.79.0.0/24" }],
      });
      if (!hasKind("ipvlan")) {
        expect((await failureOf(made)).message).toBe("the host's kernel has no ipvlan interfaces");
        expect(service.list().some(({ name }) => name === "iv")).toBe(false);
        return;
      }
      await made;
      const one = await run(service, ["iv"]);
      expect(runAt(one, "ip -d link show eth0").output).toMatch(/ipvlan\s+mode l3/);
      expect(runAt(one, "ip route show default").output).toStartWith("default dev eth0");
      const second = create(service, "iv2", { driver: "ipvlan", options: { parent: "up0" } });
      expect((await failureOf(second)).message).toBe("network iv is already using parent interface up0");
    });

    test("a VLAN's interface and one that leads nowhere come and go with their network", async () => {
      const service = open();
      for (const [options, kind, present] of [
        [{ parent: "up0.10" }, hasKind("vlan", "id", "99"), /^up0\.10@up0/m],
        [{}, hasKind("dummy"), /^dm-[0-9a-f]{12}/m],
      ] as const) {
        const made = create(service, "own", { driver: "macvlan", options });
        if (!kind) {
          expect((await failureOf(made)).code).toBe("network-kernel-lacks");
          continue;
        }
        await made;
        expect(shell("ip -br link")).toMatch(present);
        const one = await run(service, ["own"]);
        const two = await run(service, ["own"]);
        await serve(two, "two");
        expect(await askFrom(one, "tcp", two.address, 80)).toBe(`two from ${one.address}`);
        for (const each of [one, two]) {
          each.stop();
          service.releaseContainer(each.id);
        }
        await service.remove("own");
        expect(shell("ip -br link")).not.toMatch(present);
      }
      const wrong = create(service, "wrong", { driver: "macvlan", options: { parent: "up0.4095" } });
      expect((await failureOf(wrong)).message).toContain("vlan id must be between 1-4094, received: 4095");
    });
  });

  describe("restore()", () => {
    test("keeps several networks of both families, and forgets an interface that a kill left half made", async () => {
      const first = open("restore.db");
      const six = await create(first, "six", { enableIpv6: true });
      await create(first, "two");
      const web = await run(first, ["six", "two"], [{ hostPort: 8080 }]);
      await serve(web, "web");
      await first.close();
      shell(
        `nft delete table ip6 berth; ip link del ${six.bridgeName ?? ""}; ip link del $(ip -br link | grep -o "^bv[0-9a-f]*" | tail -1)`,
      );
      const second = open("restore.db");
      await second.restore(live(web));
      expect(second.describe(web.id).endpoints.length).toBe(1);
      const next = await run(second, ["six"]);
      if (second.describe(web.id).endpoints[0]?.networkName === "six") {
        expect(await askFrom(remote, "tcp", "fd77::1", 8080)).toBe("web from fd77::2");
        expect(await askFrom(next, "tcp", web.address6, 80)).toStartWith("web from ");
      }
      expect((await failureOf(run(second, ["six"], [{ hostPort: 8080 }]))).code).toBe("network-port-allocated");
    });
  });

  test("a thousand ports of one container among a hundred networks", async () => {
    const service = open();
    for (let index = 0; index < 100; index++) {
      await create(service, `n${index}`, { pools: [{ subnet: `10.${100 + (index >> 6)}.${(index & 63) * 4}.0/24` }] });
    }
    const publications = Array.from({ length: 1000 }, (_, index) => ({
      hostPort: 20_000 + index,
      containerPort: 1 + index,
    }));
    const web = await run(service, ["n99"], publications);
    await serve(web, "web", 1000);
    expect(await askFrom(remote, "tcp", "10.77.0.1", 20_999)).toBe("web from 10.77.0.2");
    expect((await failureOf(run(service, ["n98"], [{ hostPort: 20_500 }]))).code).toBe("network-port-allocated");
    service.releaseContainer(web.id);
    expect((await run(service, ["n98"], [{ hostPort: 20_500 }])).ports).toContain(20_500);
  }, 60_000);
}
