import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { eventually, mustRun, runCommand } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

/** Loads the kernel's module for SCTP, where there is one, by asking for a socket. */
const hasSctp =
  (await runCommand(["python3", "-c", "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)"]))
    .exitCode === 0;
if (!hasSctp) console.warn("skipped: this kernel has no SCTP, or there is no python3 to speak it");
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);

/** A web server that answers "hello from NAME". */
async function server(...options: string[]): Promise<string> {
  const name = uniqueName("web");
  await daemon.ok(
    "run", "-d", "--name", name, ...options, "busybox", "sh", "-c", `echo hello from ${name} > /var/www/index.html; exec httpd -f -p 80 -h /var/www`,
  ); // prettier-ignore
  return name;
}

async function fetchText(url: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await (await fetch(url, { headers: { Connection: "close" } })).text();
    } catch (error) {
      if (attempt === 40) throw error;
      await Bun.sleep(50);
    }
  }
}

const addressOf = (name: string) =>
  daemon.ok("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name);

describe("bridge", () => {
  test("a container has eth0, loopback and a default route", async () => {
    const output = await run("busybox", "sh", "-c", "ip -o -4 addr; ip route; cat /sys/class/net/eth0/operstate");
    expect(output).toMatch(/lo +inet 127\.0\.0\.1\/8/);
    expect(output).toMatch(/eth0(@if\d+)? +inet \d+\.\d+\.\d+\.\d+\/\d+/);
    expect(output).toMatch(/default via \d+\.\d+\.\d+\.\d+ dev eth0/);
    expect(output).toEndWith("up");
  });

  test("inspect tells the address", async () => {
    const name = await server();
    const address = await addressOf(name);
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(await daemon.ok("exec", name, "hostname", "-i")).toBe(address);
    expect(
      await daemon.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}}", name),
    ).toMatch(new RegExp(`^${address} \\d`));
    await daemon.ok("rm", "-f", name);
  });

  test("containers reach each other and the host reaches them", async () => {
    const name = await server();
    const address = await addressOf(name);
    expect(await fetchText(`http://${address}/`)).toBe(`hello from ${name}\n`);
    expect(await run("busybox", "wget", "-qO-", `http://${address}/`)).toBe(`hello from ${name}`);
    await daemon.ok("rm", "-f", name);
  });

  test("network ls and inspect", async () => {
    const names = (await daemon.ok("network", "ls", "--format", "{{.Name}} {{.Driver}}")).split("\n").toSorted();
    expect(names).toEqual(["bridge bridge", "host host", "none null"]);
    const name = await server();
    const [network] = JSON.parse(await daemon.ok("network", "inspect", "bridge")) as {
      Containers: Record<string, { Name: string }>;
      IPAM: { Config: { Subnet: string }[] };
    }[];
    expect(Object.values(network?.Containers ?? {}).map((entry) => entry.Name)).toEqual([name]);
    expect(network?.IPAM.Config[0]?.Subnet).toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
    await daemon.ok("rm", "-f", name);
  });

  test("predefined networks are not removed", async () => {
    const result = await daemon.cli(["network", "rm", "bridge"]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("bridge is a pre-defined network and cannot be removed");
  });
});

describe("published ports", () => {
  test("-p HOST:CONTAINER answers on 127.0.0.1 and on the host's addresses", async () => {
    const port = await freePort();
    const name = await server("-p", `${port}:80`);
    expect(await fetchText(`http://127.0.0.1:${port}/`)).toBe(`hello from ${name}\n`);
    expect(await fetchText(`http://localhost:${port}/`)).toBe(`hello from ${name}\n`);
    const host = await hostAddress();
    if (host !== undefined) expect(await fetchText(`http://${host}:${port}/`)).toBe(`hello from ${name}\n`);
    expect(await daemon.ok("port", name)).toContain(`80/tcp -> 0.0.0.0:${port}`);
    expect(await daemon.ok("port", name, "80")).toContain(`0.0.0.0:${port}`);
    expect(await daemon.ok("ps", "--filter", `name=${name}`, "--format", "{{.Ports}}")).toContain(
      `0.0.0.0:${port}->80/tcp`,
    );
    await daemon.ok("rm", "-f", name);
    expect(await closed(port)).toBe(true);
  });

  test("-p 127.0.0.1:HOST:CONTAINER is not open elsewhere", async () => {
    const port = await freePort();
    const name = await server("-p", `127.0.0.1:${port}:80`);
    expect(await fetchText(`http://127.0.0.1:${port}/`)).toBe(`hello from ${name}\n`);
    const host = await hostAddress();
    if (host !== undefined) expect(await closed(port, host)).toBe(true);
    await daemon.ok("rm", "-f", name);
  });

  test("-p CONTAINER and -P choose a free port", async () => {
    const one = await server("-p", "80");
    const two = await server("-P", "--expose", "80");
    for (const name of [one, two]) {
      const port = (await daemon.ok("port", name, "80")).split("\n")[0]?.split(":").at(-1);
      expect(await fetchText(`http://127.0.0.1:${port}/`)).toBe(`hello from ${name}\n`);
    }
    await daemon.ok("rm", "-f", one, two);
  });

  test("a container reaches another through the host's published port", async () => {
    const port = await freePort();
    const name = await server("-p", `${port}:80`);
    await fetchText(`http://127.0.0.1:${port}/`);
    const gateway = (await run("busybox", "sh", "-c", "ip route | awk '/default/ {print $3}'")).trim();
    expect(await run("busybox", "wget", "-qO-", `http://${gateway}:${port}/`)).toBe(`hello from ${name}`);
    await daemon.ok("rm", "-f", name);
  });

  test("udp", async () => {
    const port = await freePort();
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "-p", `${port}:9999/udp`, "busybox", "sleep", "1000");
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    const echo =
      "await Bun.udpSocket({ port: 9999, socket: { data: (s, data, port, host) => s.send(data, port, host) } })";
    const echoServer = Bun.spawn(["nsenter", `--net=/proc/${pid}/ns/net`, process.execPath, "-e", echo], {
      stdout: "ignore",
    });
    let answer = "";
    const socket = await Bun.udpSocket({
      // Until the echo server listens, the answer is an ICMP error, which the socket reports.
      socket: { data: (_socket, data) => void (answer = data.toString()), error: () => {} },
    });
    await eventually("the echo", async () => {
      socket.send("ping", port, "127.0.0.1");
      await Bun.sleep(50);
      return answer === "ping";
    });
    socket.close();
    echoServer.kill();
    await daemon.ok("rm", "-f", name);
  });

  test.skipIf(!hasSctp)("sctp", async () => {
    const port = await freePort();
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "-p", `${port}:9999/sctp`, "busybox", "sleep", "1000");
    expect(await daemon.ok("port", name)).toContain(`9999/sctp -> 0.0.0.0:${port}`);
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    // Neither Bun nor busybox speak it.
    const serving = `
import socket
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
listening.bind(("0.0.0.0", 9999))
listening.listen()
while True:
    peer, _ = listening.accept()
    peer.sendall(b"hello by sctp")
    peer.close()
`;
    const answering = Bun.spawn(["nsenter", `--net=/proc/${pid}/ns/net`, "python3", "-c", serving], {
      stdout: "ignore",
    });
    const client = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
s.settimeout(5)
s.connect(("127.0.0.1", ${port}))
print(s.recv(100).decode())`;
    await eventually("the answer", async () => {
      const asked = await runCommand(["python3", "-c", client]);
      return asked.stdout === "hello by sctp\n";
    });
    answering.kill();
    await daemon.ok("rm", "-f", name);
  });

  test("a port in use by a container is refused, naming it, and leaves nothing", async () => {
    const port = await freePort();
    const holder = await server("-p", `${port}:80`);
    const name = uniqueName();
    const result = await daemon.cli(["run", "-d", "--name", name, "-p", `${port}:80`, "busybox", "true"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain("port is already allocated");
    if (!targetIsDockerd) expect(result.stderr).toContain(holder);
    expect(await daemon.ok("inspect", "-f", "{{.State.Status}}", name)).toBe("created");
    await daemon.ok("rm", name);
    await daemon.ok("rm", "-f", holder);
  });

  test("a port in use by a process of the host is refused", async () => {
    const listener = createServer().listen(0, "0.0.0.0");
    await new Promise((resolve) => listener.once("listening", resolve));
    const address = listener.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const result = await daemon.cli(["run", "-d", "--rm", "-p", `${port}:80`, "busybox", "sleep", "1"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain("address already in use");
    if (!targetIsDockerd) expect(result.stderr).toContain(String(process.pid));
    listener.close();
  });

  test("a port is free again after stop, and taken again at start", async () => {
    const port = await freePort();
    const name = await server("-p", `${port}:80`);
    await fetchText(`http://127.0.0.1:${port}/`);
    await daemon.ok("stop", "-t", "0", name);
    expect(await closed(port)).toBe(true);
    await daemon.ok("start", name);
    expect(await fetchText(`http://127.0.0.1:${port}/`)).toBe(`hello from ${name}\n`);
    await daemon.ok("rm", "-f", name);
  });

  test("published ports survive a restart of the daemon", async () => {
    const port = await freePort();
    const name = await server("-p", `${port}:80`, "--restart", "always");
    await fetchText(`http://127.0.0.1:${port}/`);
    await daemon.engine.halt();
    await daemon.engine.start();
    expect(await fetchText(`http://127.0.0.1:${port}/`)).toBe(`hello from ${name}\n`);
    await daemon.ok("rm", "-f", name);
    expect(await closed(port)).toBe(true);
  }, 40_000);
});

describe("other modes", () => {
  test("--network none has loopback only", async () => {
    expect(await run("--network", "none", "busybox", "sh", "-c", "ls /sys/class/net; ip route | wc -l")).toBe("lo\n0");
  });

  test("--network host is the host's", async () => {
    expect(await run("--network", "host", "busybox", "readlink", "/proc/self/ns/net")).toBe(
      (await mustRun(["readlink", "/proc/self/ns/net"])).trim(),
    );
    expect(await run("--network", "host", "busybox", "hostname")).toBe((await mustRun(["hostname"])).trim());
  });

  test("--network container:X shares address and ports", async () => {
    const name = await server();
    expect(
      await run("--network", `container:${name}`, "busybox", "sh", "-c", "sleep 0.2; wget -qO- http://127.0.0.1/"),
    ).toBe(`hello from ${name}`);
    const refused = await daemon.cli(["run", "--rm", "--network", `container:${name}`, "-p", "1:1", "busybox", "true"]);
    expect(refused.exitCode).toBe(125);
    await daemon.ok("rm", "-f", name);
    const gone = await daemon.cli(["run", "--rm", "--network", `container:${name}`, "busybox", "true"]);
    expect(gone.stderr).toContain("No such container");
  });

  test("an unknown network is refused", async () => {
    const result = await daemon.cli(["run", "--rm", "--network", "no-such-network", "busybox", "true"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain("network no-such-network not found");
  });

  test("a network of one's own isolates from the default one", async () => {
    const network = uniqueName("network");
    expect(await daemon.ok("network", "create", "--label", "a=b", network)).toMatch(/^[0-9a-f]{64}$/);
    const name = await server("--network", network);
    const address = await addressOf(name);
    expect(await run("--network", network, "busybox", "wget", "-qO-", `http://${address}/`)).toBe(`hello from ${name}`);
    expect(
      (await daemon.cli(["run", "--rm", "busybox", "sh", "-c", `timeout 1 wget -qO- http://${address}/; exit $?`]))
        .exitCode,
    ).not.toBe(0);
    const inUse = await daemon.cli(["network", "rm", network]);
    expect(inUse.exitCode).toBe(1);
    expect(inUse.stderr).toContain("has active endpoints");
    await daemon.ok("rm", "-f", name);
    expect((await daemon.cli(["network", "create", network])).stderr).toContain("already exists");
    await daemon.ok("network", "rm", network);
  });
});

describe("names", () => {
  test("/etc/hosts, /etc/hostname and /etc/resolv.conf", async () => {
    const output = await run(
      "-h",
      "ship",
      "--add-host",
      "api:10.1.2.3",
      "busybox",
      "sh",
      "-c",
      "cat /etc/hosts; echo ==; cat /etc/hostname; hostname",
    );
    const [hosts, hostname] = output.split("==\n");
    expect(hosts).toMatch(/^127\.0\.0\.1\s+localhost/m);
    expect(hosts).toMatch(/^10\.1\.2\.3\s+api$/m);
    expect(hosts).toMatch(/^\d+\.\d+\.\d+\.\d+\s+ship$/m);
    expect(hostname).toBe("ship\nship");
    const dns = await run(
      "--dns",
      "192.0.2.53",
      "--dns-search",
      "example.com",
      "--dns-option",
      "ndots:2",
      "busybox",
      "cat",
      "/etc/resolv.conf",
    );
    expect(dns).toMatch(/^nameserver 192\.0\.2\.53$/m);
    expect(dns).toMatch(/^search example\.com$/m);
    expect(dns).toMatch(/^options ndots:2$/m);
  });

  test("the host name is the short id by default", async () => {
    const name = uniqueName();
    const id = await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    expect(await daemon.ok("exec", name, "hostname")).toBe(id.slice(0, 12));
    await daemon.ok("rm", "-f", name);
  });

  test("host-gateway is the host", async () => {
    const hosts = await run("--add-host", "host.docker.internal:host-gateway", "busybox", "cat", "/etc/hosts");
    expect(hosts).toMatch(/^\d+\.\d+\.\d+\.\d+\s+host\.docker\.internal$/m);
  });

  test.if(!targetIsDockerd)("--mac-address is used", async () => {
    expect(await run("--mac-address", "02:42:ac:11:00:99", "busybox", "cat", "/sys/class/net/eth0/address")).toBe(
      "02:42:ac:11:00:99",
    );
  });

  test.each([["70000:80"], ["a:80"], ["1.2.3.4.5:80:80"], ["80/xyz"]])("-p %s is refused", async (publication) => {
    expect((await daemon.cli(["create", "-p", publication, "busybox"])).exitCode).not.toBe(0);
  });
});

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "0.0.0.0");
  await new Promise((resolve) => listener.once("listening", resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** An address of the host that is neither loopback nor a container bridge. */
async function hostAddress(): Promise<string | undefined> {
  const route = await mustRun(["ip", "-o", "-4", "route", "get", "192.0.2.254"]).catch(() => "");
  return / src (\S+)/.exec(route)?.[1];
}

async function closed(port: number, host = "127.0.0.1"): Promise<boolean> {
  try {
    await fetch(`http://${host}:${port}/`, { signal: AbortSignal.timeout(1000) });
    return false;
  } catch {
    return true; // refused, as it should be
  }
}
