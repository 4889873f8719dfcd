import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId, silentLogger } from "#base";
import { openDatabase } from "#db";
import { createNetworkService } from "#network";
import { eventually } from "../engines/command.ts";
import {
  askFrom,
  holdNamespace,
  here,
  insidePrivateNamespace,
  makeRemoteHost,
  type Place,
  runInPrivateNamespace,
  serveAt,
  shell,
} from "./network-fixtures/private-namespace.ts";

if (insidePrivateNamespace) suite();
else runInPrivateNamespace(import.meta.path);

function suite(): void {
  const directory = mkdtempSync(join(tmpdir(), "berth-dockerd-"));
  let remote: Place = here;
  let stopServers: (() => void)[] = [];
  let databases = 0;

  const withService = async (work: (web: Place & { address: string }) => Promise<void>): Promise<void> => {
    const database = openDatabase(join(directory, `${databases++}.db`));
    const service = createNetworkService({
      database,
      instance: { id: "beside", isDefault: true },
      logger: silentLogger,
      options: { verifyIntervalMs: 100 },
    });
    const containerId = newId();
    const sandbox = await service.createSandbox({
      containerId,
      networks: [{ network: "bridge" }],
      publications: [{ containerPort: 80, protocol: "tcp", hostIp: "", hostPort: 8080 }],
    });
    const place = await holdNamespace(sandbox.path);
    sandbox.release();
    const stop = await serveAt(place, "tcp", 80, "web");
    try {
      await work({ ...place, address: sandbox.endpoints[0]?.ipv4 ?? "" });
    } finally {
      stop();
      place.stop();
      service.releaseContainer(containerId);
      await service.destroy();
      database.close();
    }
  };

  /** The peer gives up after a second, which on a busy machine is no proof; only what never answers is cut off. */
  const answers = (from: Place, address: string, port: number, expected: RegExp): Promise<unknown> =>
    eventually(
      `${address}:${port} to answer`,
      async () => expected.test(await askFrom(from, "tcp", address, port)),
      30_000,
    );

  const works = async (web: Place): Promise<void> => {
    await answers(web, "10.77.0.2", 7000, /^remote from 10\.77\.0\.1$/);
    await answers(remote, "10.77.0.1", 8080, /^web from 10\.77\.0\.2$/);
    await answers(here, "127.0.0.1", 8080, /^web from/);
  };

  beforeAll(async () => {
    shell("ip link set lo up");
    remote = await makeRemoteHost({ interfaceName: "up0", hereAddress: "10.77.0.1", thereAddress: "10.77.0.2" });
    shell("ip route add default via 10.77.0.2");
    stopServers = [await serveAt(remote, "tcp", 7000, "remote")];
  });

  afterAll(() => {
    for (const stop of stopServers) stop();
    remote.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each([
    ["iptables-nft", "iptables-nft"],
    ["iptables-legacy", "iptables-legacy"],
  ])(
    "a FORWARD policy of DROP made with %s does not cut containers off, and is left as it was",
    async (_name, command) => {
      if (Bun.which(command) === null) {
        process.stdout.write(`skipped: ${command} is not installed\n`);
        return;
      }
      shell(`${command} -P FORWARD DROP; ${command} -A FORWARD -s 203.0.113.0/24 -j REJECT`);
      const before = shell(`${command} -S`);
      await withService(async (web) => {
        await works(web);
        expect(shell(`${command} -S FORWARD`)).toContain("berth:default");
        // Somebody reloads a firewall that knows nothing of us.
        shell(`${command} -F FORWARD; ${command} -A FORWARD -s 203.0.113.0/24 -j REJECT`);
        await eventually("our rules to be back", () => shell(`${command} -S FORWARD`).includes("berth:default"));
        await works(web);
      });
      expect(shell(`${command} -S`)).toBe(before);
      shell(`${command} -P FORWARD ACCEPT; ${command} -F FORWARD`);
    },
  );

  test.each(["before", "after"])(
    "works with dockerd started %s, without opening dockerd's bridge",
    async (order) => {
      if (Bun.which("dockerd") === null) {
        process.stdout.write("skipped: dockerd is not installed\n");
        return;
      }
      // dockerd sets the policy to DROP only when it is the one that turns forwarding on.
      shell("sysctl -qw net.ipv4.ip_forward=0; iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X");
      let stopDockerd = order === "before" ? await startDockerd(join(directory, order)) : async () => {};
      try {
        await withService(async (web) => {
          if (order === "after") {
            await works(web);
            shell("sysctl -qw net.ipv4.ip_forward=0");
            stopDockerd = await startDockerd(join(directory, order));
            await eventually("our rules to be there", () => shell("iptables -S DOCKER-USER").includes("berth:default"));
          }
          expect(shell("iptables -S FORWARD")).toContain("-P FORWARD DROP");
          expect(shell("iptables -S DOCKER-USER")).toContain("berth:default");
          await works(web);
          // A "container" of dockerd's with a port that is not published.
          const neighbour = await makeDockerNeighbour(`dn-${order}`);
          const stop = await serveAt(neighbour, "tcp", 80, "neighbour");
          stopServers.push(stop, neighbour.stop);
          const address = shell("ip -4 -o addr show docker0").replace(/[^]*inet (\d+\.\d+)[^]*/, "$1.0.9");
          expect(await askFrom(here, "tcp", address.trim(), 80)).toStartWith("neighbour from");
          expect(await askFrom(web, "tcp", address.trim(), 80)).toBe("no answer");
        });
        expect(shell("iptables -S")).not.toContain("berth");
      } finally {
        await stopDockerd();
        shell("iptables -P FORWARD ACCEPT; ip link del docker0");
      }
    },
    60_000,
  );
}

async function startDockerd(directory: string): Promise<() => Promise<void>> {
  mkdirSync(directory, { recursive: true });
  const child = spawn(
    "dockerd",
    [
      `--data-root=${directory}/docker`,
      `--exec-root=${directory}/docker-run`,
      `--host=unix://${directory}/docker.sock`,
      `--pidfile=${directory}/docker.pid`,
      "--storage-driver=vfs",
      "--userland-proxy=false",
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  const deadline = Date.now() + 30_000;
  while (!existsSync(join(directory, "docker.sock")) && Date.now() < deadline) await Bun.sleep(50);
  // Its rules are complete when its bridge is there.
  while (!readFileSync("/proc/thread-self/net/dev", "utf8").includes("docker0") && Date.now() < deadline)
    await Bun.sleep(50);
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}

/** A namespace on docker0, as dockerd would make one. */
async function makeDockerNeighbour(interfaceName: string): Promise<Place> {
  const child = spawn("unshare", ["-n", "sleep", "1000"], { stdio: "ignore" });
  await new Promise((resolve) => void child.once("spawn", resolve));
  while (!shell(`cat /proc/${child.pid}/comm`).startsWith("sleep")) await Bun.sleep(1);
  shell(`address=$(ip -4 -o addr show docker0 | sed 's/.*inet \\([0-9]*\\.[0-9]*\\)\\..*/\\1/')
    ip link add ${interfaceName} type veth peer name eth0 netns ${child.pid}; ip link set ${interfaceName} master docker0 up
    nsenter -n -t ${child.pid} sh -ec "ip link set lo up; ip addr add $address.0.9/16 dev eth0; ip link set eth0 up; ip route add default via $address.0.1"`);
  return { path: `/proc/${child.pid}/ns/net`, stop: () => void child.kill("SIGKILL") };
}
