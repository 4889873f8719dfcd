import { describe, expect, test } from "bun:test";
import { eventually } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

const network = async (...options: string[]): Promise<string> => {
  const name = uniqueName("net");
  await daemon.ok("network", "create", ...options, name);
  return name;
};

const sleeper = async (...options: string[]): Promise<string> => {
  const name = uniqueName("c");
  await daemon.ok("run", "-d", "--name", name, ...options, "busybox", "sleep", "1000");
  return name;
};

const remove = (...names: string[]) => daemon.ok("rm", "-f", ...names);
const lookup = async (container: string, ...words: string[]): Promise<string> =>
  (await daemon.cli(["exec", container, "nslookup", ...words])).stdout;
const inside = (container: string, script: string) => daemon.ok("exec", container, "sh", "-c", script);
const addressOn = (container: string, name: string) =>
  daemon.ok("inspect", "-f", `{{(index .NetworkSettings.Networks "${name}").IPAddress}}`, container);
const failing = async (...words: string[]): Promise<string> => {
  const result = await daemon.cli(words);
  expect(result.exitCode).not.toBe(0);
  return result.stderr;
};

describe("names on a network of one's own", () => {
  test("are the container's, its aliases and its short id, with the network's name too, forwards and backwards", async () => {
    const net = await network();
    const db = await sleeper("--network", net, "--network-alias", "database", "--hostname", "dbhost");
    const web = await sleeper("--network", net);
    const address = await addressOn(db, net);
    const id = (await daemon.ok("inspect", "-f", "{{.Id}}", db)).slice(0, 12);
    for (const name of [db, "database", id, `${db}.${net}`, `database.${net}`, "DataBase"]) {
      expect(await lookup(web, name)).toContain(`Address: ${address}`);
    }
    expect(await lookup(web, address)).toMatch(new RegExp(`name = ${db}\\.${net}$`, "m"));
    expect(await inside(web, "cat /etc/resolv.conf")).toMatch(/^nameserver 127\.0\.0\.11$[^]*^options .*ndots:0/m);
    expect(await inside(web, "ping -c1 -W2 database")).toContain(address);
    await daemon.ok("rename", db, `${db}-new`);
    expect(await lookup(web, `${db}-new`)).toContain(address);
    await daemon.ok("stop", "-t", "0", `${db}-new`);
    expect(await lookup(web, "database")).not.toContain(address);
    await remove(`${db}-new`, web);
    await daemon.ok("network", "rm", net);
  });

  test("one alias of many containers stands for all of them", async () => {
    const net = await network();
    const containers = await Promise.all([1, 2, 3].map(() => sleeper("--network", net, "--network-alias", "pool")));
    const addresses = await Promise.all(containers.map((name) => addressOn(name, net)));
    const answer = await lookup(containers[0] ?? "", "pool");
    for (const address of addresses) expect(answer).toContain(address);
    const firsts = new Set<string>();
    await eventually("every one of them comes first at times", async () => {
      const [, first = ""] = /Name:\s+pool\nAddress: (\S+)/.exec(await lookup(containers[0] ?? "", "pool")) ?? [];
      firsts.add(first);
      return addresses.every((address) => firsts.has(address));
    });
    await remove(...containers);
    await daemon.ok("network", "rm", net);
  });

  test("are not seen from another network, nor on the default bridge", async () => {
    const [one, other] = [await network(), await network()];
    const db = await sleeper("--network", one);
    const stranger = await sleeper("--network", other);
    const plain = await sleeper();
    const address = await addressOn(db, one);
    expect(await lookup(stranger, db)).not.toContain(address);
    expect(await inside(plain, "cat /etc/resolv.conf")).not.toContain("127.0.0.11");
    await remove(db, stranger, plain);
    await daemon.ok("network", "rm", one, other);
  });

  test("by --link are this container's alone", async () => {
    const net = await network();
    const db = await sleeper("--network", net);
    const web = await sleeper("--network", net, "--link", `${db}:store`);
    const other = await sleeper("--network", net);
    const address = await addressOn(db, net);
    expect(await lookup(web, "store")).toContain(address);
    expect(await lookup(other, "store")).not.toContain(`Address: ${address}`);
    await remove(db, web, other);
    await daemon.ok("network", "rm", net);
  });

  test("leave port 53 to a name server of the container's own", async () => {
    const net = await network();
    const db = await sleeper("--network", net);
    const web = await sleeper("--network", net);
    const address = await addressOn(db, net);
    await daemon.ok("exec", "-d", web, "nc", "-l", "-p", "53");
    await eventually("the container's own server", async () =>
      (await inside(web, "cat /proc/net/tcp /proc/net/tcp6")).includes(":0035 "),
    );
    expect(await lookup(web, db)).toContain(address);
    await remove(db, web);
    await daemon.ok("network", "rm", net);
  });

  test("have IPv6 addresses where the network has, and an empty answer where not", async () => {
    const six = await network("--ipv6", "--subnet", "fd99:1::/64");
    const four = await network();
    const both = await sleeper("--network", six);
    const only = await sleeper("--network", four);
    expect(await lookup(both, "-type=aaaa", both)).toContain("fd99:1::2");
    expect(await inside(both, "ip -6 addr show eth0")).toContain("fd99:1::2/64");
    const answer = await lookup(only, "-type=aaaa", only);
    expect(answer).not.toMatch(/NXDOMAIN|SERVFAIL|fd99/);
    await remove(both, only);
    await daemon.ok("network", "rm", six, four);
  });
});

describe("names of others", () => {
  /** A name server in a container: whatever it is asked, it answers 203.0.113.7, and it counts questions. */
  async function upstream(
    net: string,
  ): Promise<{ address: string; asked: () => Promise<string>; remove: () => Promise<void> }> {
    const name = await sleeper("--network", net);
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    const server = new URL("./name-server-double.ts", import.meta.url).pathname;
    const log = `${daemon.directory}/${name}.log`;
    const double = Bun.spawn(["nsenter", `--net=/proc/${pid}/ns/net`, process.execPath, server, log], {
      stdout: "ignore",
      stderr: "ignore",
    });
    await eventually("the upstream name server", async () => await Bun.file(log).exists());
    return {
      address: await addressOn(name, net),
      asked: () => Bun.file(log).text(),
      remove: async () => {
        double.kill();
        await double.exited;
        await remove(name);
      },
    };
  }

  test("are asked of --dns; names of containers are not", async () => {
    const net = await network();
    const server = await upstream(net);
    const web = await sleeper("--network", net, "--dns", server.address);
    expect(await lookup(web, "out.example.org")).toContain("203.0.113.7");
    expect(await lookup(web, web)).toContain(await addressOn(web, net));
    const asked = await server.asked();
    expect(asked).toContain("udp A out.example.org");
    expect(asked).not.toContain(web);
    await server.remove();
    await remove(web);
    await daemon.ok("network", "rm", net);
  }, 30_000);

  test.if(!targetIsDockerd)("long answers come by TCP in full", async () => {
    const net = await network();
    const server = await upstream(net);
    const web = await sleeper("--network", net, "--dns", server.address);
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", web);
    const script = `const {Resolver}=require("node:dns/promises");const r=new Resolver();r.setServers(["127.0.0.11"]);
      console.log((await r.resolveTxt("long.example.org")).join("").length)`;
    const client = Bun.spawn(["nsenter", `--net=/proc/${pid}/ns/net`, process.execPath, "-e", script], {
      stdout: "pipe",
    });
    expect((await new Response(client.stdout).text()).trim()).toBe("3000");
    expect(await server.asked()).toContain("tcp TXT long.example.org");
    await server.remove();
    await remove(web);
    await daemon.ok("network", "rm", net);
  });

  test("are not asked from an internal network, and fail at once where nobody answers", async () => {
    const net = await network("--internal");
    const web = await sleeper("--network", net);
    const started = performance.now();
    const result = await daemon.cli(["exec", web, "nslookup", "secret-1234.example.org"]);
    expect(result.stdout + result.stderr).toMatch(/SERVFAIL|can't resolve|no servers/);
    // Before nslookup itself gives up, after five seconds.
    if (!targetIsDockerd) expect(performance.now() - started).toBeLessThan(5000);
    await remove(web);
    await daemon.ok("network", "rm", net);
  }, 30_000);
});

describe("network connect and disconnect", () => {
  test("of a running container take effect at once, with events", async () => {
    const [one, two] = [await network(), await network("--subnet", "10.214.0.0/24")];
    const web = await sleeper("--network", one);
    const since = String(Math.floor(Date.now() / 1000) - 1);
    await daemon.ok("network", "connect", "--ip", "10.214.0.77", "--alias", "second", two, web);
    expect(await inside(web, "ip -4 addr show eth1")).toContain("10.214.0.77/24");
    expect(await inside(web, "cat /etc/hosts")).toContain("10.214.0.77");
    expect(await lookup(web, "second")).toContain("10.214.0.77");
    const endpoint = JSON.parse(
      await daemon.ok("inspect", "-f", `{{json (index .NetworkSettings.Networks "${two}")}}`, web),
    ) as Record<string, unknown>;
    expect(endpoint).toMatchObject({
      IPAMConfig: { IPv4Address: "10.214.0.77" },
      IPAddress: "10.214.0.77",
      IPPrefixLen: 24,
      Gateway: "10.214.0.1",
    });
    expect(endpoint["Aliases"]).toContain("second");
    expect(await failing("network", "connect", two, web)).toContain(
      `endpoint with name ${web} already exists in network ${two}`,
    );
    await daemon.ok("network", "disconnect", two, web);
    expect(await inside(web, "ls /sys/class/net")).not.toContain("eth1");
    expect(await inside(web, "cat /etc/hosts")).not.toContain("10.214.0.77");
    expect(await failing("network", "disconnect", two, web)).toContain("is not connected to");
    const id = await daemon.ok("inspect", "-f", "{{.Id}}", web);
    const format = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}} {{.Actor.Attributes.container}}";
    // Times of events are cut to seconds in --until.
    await eventually("the events", async () => {
      const filters = ["--filter", "type=network", "--format", format];
      const events = await daemon.ok("events", "--since", since, "--until", "0s", ...filters);
      return ["connect", "disconnect"].every((action) => events.includes(`${action} ${two} bridge ${id}`));
    });
    await remove(web);
    await daemon.ok("network", "rm", one, two);
  });

  test("of a stopped container wait for its next start", async () => {
    const [one, two] = [await network(), await network()];
    const web = uniqueName("c");
    await daemon.ok("create", "--name", web, "--network", one, "busybox", "sleep", "1000");
    await daemon.ok("network", "connect", "--alias", "later", two, web);
    expect(JSON.parse(await daemon.ok("network", "inspect", "-f", "{{json .Containers}}", two))).toEqual({});
    await daemon.ok("start", web);
    expect(await inside(web, "ls /sys/class/net")).toMatch(/eth0\s+eth1/);
    expect(
      Object.keys(JSON.parse(await daemon.ok("network", "inspect", "-f", "{{json .Containers}}", two)) as object)
        .length,
    ).toBe(1);
    await daemon.ok("stop", "-t", "0", web);
    await daemon.ok("network", "disconnect", one, web);
    await daemon.ok("start", web);
    expect(await inside(web, "ls /sys/class/net")).not.toContain("eth1");
    expect(await lookup(web, "later")).toContain(await addressOn(web, two));
    await remove(web);
    await daemon.ok("network", "rm", one, two);
  });

  test("bring a container from the default bridge to one with names", async () => {
    const net = await network();
    const web = await sleeper();
    const db = await sleeper("--network", net);
    await daemon.ok("network", "connect", net, web);
    expect(await inside(web, "cat /etc/resolv.conf")).toContain("nameserver 127.0.0.11");
    expect(await lookup(web, db)).toContain(await addressOn(db, net));
    await remove(web, db);
    await daemon.ok("network", "rm", net);
  });

  test("refuse what cannot be, in Docker's words", async () => {
    const net = await network();
    const web = await sleeper();
    const onHost = await sleeper("--network", "host");
    expect(await failing("network", "connect", "nosuch", web)).toContain("network nosuch not found");
    expect(await failing("network", "connect", net, "nosuch")).toContain("No such container: nosuch");
    expect(await failing("network", "connect", "none", web)).toContain("none");
    expect(await failing("network", "connect", "host", web)).toContain("host network");
    expect(await failing("network", "connect", net, onHost)).toContain(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
    expect(await failing("network", "connect", "--ip", "10.9.9.9", net, web)).toContain("user configured subnets");
    if (!targetIsDockerd) {
      expect(await failing("network", "disconnect", "host", onHost)).toContain(
        "cannot disconnect container from host network",
      );
    }
    await remove(web, onHost);
    await daemon.ok("network", "rm", net);
  });
});

describe("network create", () => {
  test("keeps what it was told, and inspect shows it", async () => {
    const net = await network(
      "--subnet", "10.215.0.0/24", "--ip-range", "10.215.0.128/25", "--gateway", "10.215.0.254",
      "--aux-address", "nas=10.215.0.129", "--label", "a=b", "--internal", "--attachable", "-o", "com.docker.network.driver.mtu=1400",
    ); // prettier-ignore
    const [document] = JSON.parse(await daemon.ok("network", "inspect", "-v", net)) as Record<string, unknown>[];
    expect(document).toMatchObject({
      Name: net,
      Scope: "local",
      Driver: "bridge",
      EnableIPv6: false,
      Internal: true,
      Attachable: true,
      Ingress: false,
      ConfigOnly: false,
      ConfigFrom: { Network: "" },
      Labels: { a: "b" },
      Options: { "com.docker.network.driver.mtu": "1400" },
      Containers: {},
      IPAM: {
        Driver: "default",
        Config: [
          {
            Subnet: "10.215.0.0/24",
            IPRange: "10.215.0.128/25",
            Gateway: "10.215.0.254",
            AuxiliaryAddresses: { nas: "10.215.0.129" },
          },
        ],
      },
    });
    const web = await sleeper("--network", net);
    expect(await addressOn(web, net)).toMatch(/^10\.215\.0\.1(28|30)$/);
    expect(await inside(web, "cat /sys/class/net/eth0/mtu")).toBe("1400");
    await remove(web);
    await daemon.ok("network", "rm", net);
  });

  test("takes a fixed address of a chosen subnet, and only once", async () => {
    const net = await network("--subnet", "10.216.0.0/24");
    const web = await sleeper("--network", net, "--ip", "10.216.0.9");
    expect(await addressOn(web, net)).toBe("10.216.0.9");
    expect(await failing("run", "--rm", "--network", net, "--ip", "10.216.0.9", "busybox", "true")).toContain(
      "Address already in use",
    );
    expect(await failing("run", "--rm", "--network", net, "--ip", "10.1.1.1", "busybox", "true")).toContain("10.1.1.1");
    expect(await failing("run", "--rm", "--ip", "10.1.1.1", "busybox", "true")).toContain(
      "user specified IP address is supported on user defined networks only",
    );
    expect(await failing("run", "--rm", "--network-alias", "x", "busybox", "true")).toMatch(/network-scoped alias/);
    const names = (await daemon.ok("ps", "-aq", "--filter", "status=created")).split("\n").filter(Boolean);
    if (names.length > 0) await remove(...names);
    await remove(web);
    await daemon.ok("network", "rm", net);
  });

  test.each([
    [["--subnet", "10.217.0.0/24", "bridge"], "operation is not permitted on predefined bridge network"],
    [["-d", "host", "x"], 'only one instance of "host" network is allowed'],
    [["-d", "nosuchdriver", "x"], "nosuchdriver"],
    [["-d", "overlay", "x"], "This node is not a swarm manager"],
    [["--subnet", "10.217.0.0/33", "x"], "10.217.0.0/33"],
    [["--config-from", "nosuch", "x"], "nosuch"],
  ])("%p is refused", async (words, message) => {
    expect(await failing("network", "create", ...words)).toContain(message);
  });

  test("refuses subnets and names that are taken", async () => {
    const net = await network("--subnet", "10.218.0.0/24");
    expect(await failing("network", "create", "--subnet", "10.218.0.128/25", "x")).toContain(
      "Pool overlaps with other one on this address space",
    );
    expect(await failing("network", "create", net)).toContain(`network with name ${net} already exists`);
    await daemon.ok("network", "rm", net);
  });

  test("of a template lends its settings", async () => {
    const template = await network("--config-only", "--subnet", "10.219.0.0/24");
    const net = await network("--config-from", template);
    expect(
      await daemon.ok("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}} {{.ConfigFrom.Network}}", net),
    ).toBe(`10.219.0.0/24 ${template}`);
    expect(await failing("network", "rm", template)).toContain("is in use");
    expect(await failing("run", "--rm", "--network", template, "busybox", "true")).toContain("config");
    const created = (await daemon.ok("ps", "-aq", "--filter", "status=created")).split("\n").filter(Boolean);
    if (created.length > 0) await remove(...created);
    await daemon.ok("network", "rm", net);
    await daemon.ok("network", "rm", template);
  });
});

describe("network ls and prune", () => {
  test("filter by everything there is", async () => {
    const net = await network("--label", "kind=test");
    const used = await network();
    const web = await sleeper("--network", used);
    const id = (await daemon.ok("network", "inspect", "-f", "{{.Id}}", net)).slice(0, 8);
    const list = (...filters: string[]) =>
      daemon.ok("network", "ls", "--format", "{{.Name}}", ...filters.flatMap((filter) => ["--filter", filter]));
    expect(await list(`name=${net}`)).toBe(net);
    expect(await list(`id=${id}`)).toBe(net);
    expect(await list("label=kind=test")).toBe(net);
    expect(await list("label=kind")).toBe(net);
    expect((await list("driver=host")).trim()).toBe("host");
    expect((await list("type=builtin")).split("\n").sort()).toEqual(["bridge", "host", "none"]);
    expect(await list("type=custom", "dangling=true")).toContain(net);
    // Docker 20.10 did not look at who uses a network here.
    if (!targetIsDockerd) expect(await list("type=custom", "dangling=true")).not.toContain(used);
    expect(await list("scope=swarm")).toBe("");
    expect(await failing("network", "ls", "--filter", "nosuch=1")).toContain("nosuch");
    expect(await daemon.ok("network", "prune", "-f", "--filter", "label!=kind")).not.toContain(net);
    const pruned = await daemon.ok("network", "prune", "-f");
    expect(pruned).toContain(net);
    expect(pruned).not.toContain(used);
    await remove(web);
    await daemon.ok("network", "rm", used);
  });

  test.if(!targetIsDockerd)("host and none show who is on them", async () => {
    const onHost = await sleeper("--network", "host");
    const alone = await sleeper("--network", "none");
    const on = async (name: string) =>
      Object.values(
        JSON.parse(await daemon.ok("network", "inspect", "-f", "{{json .Containers}}", name)) as Record<
          string,
          { Name: string }
        >,
      ).map(({ Name }) => Name);
    expect([await on("host"), await on("none")]).toEqual([[onHost], [alone]]);
    await remove(onHost, alone);
  });
});

describe("several networks at create", () => {
  test.if(!targetIsDockerd)("--network twice, with options for each", async () => {
    const [one, two] = [await network(), await network("--subnet", "10.220.0.0/24")];
    const web = await sleeper(
      "--network",
      `name=${one},alias=first`,
      "--network",
      `name=${two},alias=second,ip=10.220.0.5,gw-priority=1,mac-address=02:42:ac:11:00:99`,
    );
    expect(await inside(web, "ip route show default")).toContain("10.220.0.1 dev eth1");
    expect(await lookup(web, "second")).toContain("10.220.0.5");
    expect(await lookup(web, "first")).toContain(await addressOn(web, one));
    expect(await inside(web, "cat /sys/class/net/eth1/address")).toBe("02:42:ac:11:00:99");
    const gwPriority = `{{(index .NetworkSettings.Networks "${two}").GwPriority}}`;
    expect(await daemon.ok("inspect", "-f", gwPriority, web)).toBe("1");
    await remove(web);
    await daemon.ok("network", "rm", one, two);
  });

  test.if(!targetIsDockerd)("are refused below API 1.44", async () => {
    const answer = await daemon.api("POST", "/v1.43/containers/create", {
      Image: "busybox",
      NetworkingConfig: { EndpointsConfig: { bridge: {}, other: {} } },
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("Container cannot be created with multiple network endpoints");
  });
});

describe("--link on the default bridge", () => {
  test("gives /etc/hosts, environment and names, follows a restart, and can be taken away", async () => {
    const db = uniqueName("db");
    await daemon.ok("run", "-d", "--name", db, "-e", "COLOUR=red", "--expose", "5432", "busybox", "sleep", "1000");
    const web = await sleeper("--link", `${db}:store`);
    const address = await addressOn(db, "bridge");
    expect(await inside(web, "cat /etc/hosts")).toMatch(new RegExp(`^${address}\\s+store [0-9a-f]{12} ${db}$`, "m"));
    const environment = await inside(web, "env");
    for (const line of [
      `STORE_PORT=tcp://${address}:5432`,
      `STORE_PORT_5432_TCP_ADDR=${address}`,
      "STORE_PORT_5432_TCP_PROTO=tcp",
      `STORE_NAME=/${web}/store`,
      "STORE_ENV_COLOUR=red",
    ]) {
      expect(environment.split("\n")).toContain(line);
    }
    expect(await daemon.ok("inspect", "-f", "{{.HostConfig.Links}}", web)).toBe(`[/${db}:/${web}/store]`);
    expect(await daemon.ok("ps", "--no-trunc", "--format", "{{.Names}}", "--filter", `name=${db}`)).toContain(
      `${web}/store`,
    );
    // Somebody takes the address, so that the other one comes back with a new one.
    await daemon.ok("stop", "-t", "0", db);
    const blocker = await sleeper();
    await daemon.ok("start", db);
    const next = await addressOn(db, "bridge");
    await eventually("the new address", async () => (await inside(web, "cat /etc/hosts")).includes(`${next}\tstore`));
    await daemon.ok("rm", "--link", `${web}/store`);
    expect(await inside(web, "cat /etc/hosts")).not.toContain("store");
    await daemon.ok("stop", "-t", "0", db);
    expect(await failing("run", "--rm", "--link", db, "busybox", "true")).toContain(
      "Cannot link to a non running container",
    );
    expect(await failing("create", "--link", "nosuch", "busybox", "true")).toContain(
      "could not get container for nosuch",
    );
    const created = (await daemon.ok("ps", "-aq", "--filter", "status=created")).split("\n").filter(Boolean);
    if (created.length > 0) await remove(...created);
    await remove(db, web, blocker);
  });
});

describe("after the daemon was killed", () => {
  test.if(!targetIsDockerd)(
    "names, networks and ports go on",
    async () => {
      const net = await network("--ipv6");
      const db = await sleeper("--network", net, "--network-alias", "database");
      const web = await sleeper("--network", net, "--link", `${db}:store`);
      const address = await addressOn(db, net);
      for (let round = 0; round < 2; round++) {
        await daemon.engine.kill();
        await daemon.engine.start();
        for (const name of ["database", "store", `${db}.${net}`]) expect(await lookup(web, name)).toContain(address);
      }
      const late = await sleeper("--network", net);
      expect(await lookup(web, late)).toContain(await addressOn(late, net));
      await daemon.ok("network", "disconnect", net, db);
      expect(await lookup(web, "database")).not.toContain(address);
      await remove(db, web, late);
      await daemon.ok("network", "rm", net);
    },
    30_000,
  );

  test.if(!targetIsDockerd)(
    "in the middle of a connect or disconnect, record and kernel agree",
    async () => {
      const [one, two] = [await network(), await network("--ipv6")];
      const web = await sleeper("--network", one);
      for (let round = 0; round < 6; round++) {
        const verb = (await inside(web, "ls /sys/class/net")).includes("eth1") ? "disconnect" : "connect";
        const words = daemon.cli(["network", verb, two, web]);
        // Somewhere between the request's arrival and its answer.
        await Bun.sleep(4 + round * 6);
        await daemon.engine.kill();
        await words;
        await daemon.engine.start();
        const hasInterface = (await inside(web, "ls /sys/class/net")).includes("eth1");
        const networks = await daemon.ok("inspect", "-f", "{{json .NetworkSettings.Networks}}", web);
        const members = await daemon.ok("network", "inspect", "-f", "{{json .Containers}}", two);
        expect([networks.includes(two), members !== "{}"]).toEqual([hasInterface, hasInterface]);
        expect(await lookup(web, web)).toContain(await addressOn(web, one));
      }
      await remove(web);
      await daemon.ok("network", "rm", one, two);
    },
    60_000,
  );
});
