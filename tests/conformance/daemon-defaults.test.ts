import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../engines/command.ts";
import { uniqueName, useDaemon } from "./daemon.ts";

const scratch = mkdtempSync(join(tmpdir(), "berth-defaults-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const configuration = join(scratch, "daemon.json");
writeFileSync(configuration, JSON.stringify({ labels: ["rack=4"], "registry-mirrors": ["https://mirror.test"] }));
const profile = join(scratch, "seccomp.json");
writeFileSync(
  profile,
  JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", args: [] }],
  }),
);

/** Control groups version 1 with a kernel that shares real-time CPU time out by group. */
const sharesRealtime = existsSync("/sys/fs/cgroup/cpu/cpu.rt_runtime_us");
if (!sharesRealtime) console.warn("skipped: this kernel gives control groups no real-time CPU time");

const daemon = useDaemon({
  flags: [
    ...(sharesRealtime ? ["--cpu-rt-runtime", "10000", "--cpu-rt-period", "1000000"] : []),
    ...["--default-ulimit", "nofile=123:456", "--default-ulimit", "core=0"],
    ...["--default-shm-size", "8m", "--default-ipc-mode", "shareable", "--default-cgroupns-mode", "private"],
    ...["--dns", "10.254.0.53", "--dns-search", "example.test", "--dns-opt", "ndots:7", "--icc=false"],
    ...["--default-network-opt", "bridge=com.docker.network.driver.mtu=1380", "--host-gateway-ip", "10.9.9.9"],
    ...[
      "--config-file",
      configuration,
      "--seccomp-profile",
      profile,
      "--log-driver",
      "local",
      "--log-opt",
      "max-size=1m",
      "--init",
    ],
  ],
});
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);

describe("what the daemon gives containers that say nothing", () => {
  test("limits of processes, unless they set their own", async () => {
    const show = ["busybox", "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c"];
    expect(await run(...show)).toBe("123\n456\n0");
    expect(await run("--ulimit", "nofile=50", ...show)).toBe("50\n50\n0");
  });

  test("the size of /dev/shm, the modes of IPC and control groups, the log driver, an init", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "echo hello; exec sleep 60");
    const { HostConfig } = await daemon.inspect<{ HostConfig: Record<string, unknown> }>(name);
    expect(HostConfig).toMatchObject({
      ShmSize: 8 * 1024 * 1024,
      IpcMode: "shareable",
      CgroupnsMode: "private",
      LogConfig: { Type: "local", Config: { "max-size": "1m" } },
    });
    expect(await daemon.ok("exec", name, "df", "-k", "/dev/shm")).toMatch(/ 8192 /);
    expect(await daemon.ok("exec", name, "cat", "/proc/1/comm")).toMatch(/init|tini|catatonit/);
    expect(await run("--ipc", `container:${name}`, "busybox", "df", "-k", "/dev/shm")).toMatch(/ 8192 /);
    expect(await daemon.ok("logs", name)).toBe("hello");
    await daemon.ok("rm", "-f", name);
  });

  test("a seccomp profile, which a container may change", async () => {
    const refused = await daemon.cli(["run", "--rm", "busybox", "mkdir", "/x"]);
    expect(refused.stderr).toContain("Operation not permitted");
    expect(await run("--security-opt", "seccomp=unconfined", "busybox", "mkdir", "/x")).toBe("");
    expect(await daemon.ok("info", "-f", "{{json .SecurityOptions}}")).toContain("name=seccomp,profile=");
    expect(await daemon.ok("info", "-f", "{{.LoggingDriver}}")).toBe("local");
  });

  test("no way between containers but the exposed ports of links, which follow the linked container", async () => {
    const [store, web, other] = [uniqueName("store"), uniqueName("web"), uniqueName("other")];
    const serve = "httpd -p 8000; exec httpd -f -p 9000";
    await daemon.ok(
      "run",
      "-d",
      "--stop-timeout",
      "0",
      "--name",
      store,
      "--expose",
      "8000",
      "busybox",
      "sh",
      "-c",
      serve,
    );
    await daemon.ok(
      "run",
      "-d",
      "--stop-timeout",
      "0",
      "--name",
      web,
      "--link",
      `${store}:store`,
      "busybox",
      "sleep",
      "1000",
    );
    await daemon.ok("run", "-d", "--stop-timeout", "0", "--name", other, "busybox", "sleep", "1000");
    const ask = async (from: string, to: string) => {
      const request = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 1 nc ${to.replace(":", " ")}`;
      return (await daemon.cli(["exec", from, "sh", "-c", request])).stdout;
    };
    const address = async (name: string) => daemon.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
    const viaLink = () => eventually("the server to answer by the link", () => ask(web, "store:8000"));
    expect(await viaLink()).toStartWith("HTTP/1.");
    const others = await Promise.all([
      ask(web, "store:9000"),
      ask(other, `${await address(store)}:8000`),
      // The other way there is nothing but answers.
      ask(store, `${await address(web)}:8000`),
    ]);
    expect(others).toEqual(["", "", ""]);
    // With another address, which its neighbour takes the old one's place of.
    await daemon.ok("stop", store);
    const taker = await daemon.ok("run", "-d", "--stop-timeout", "0", "busybox", "sleep", "1000");
    await daemon.ok("start", store);
    expect(await viaLink()).toStartWith("HTTP/1.");
    expect(await ask(other, `${await address(store)}:8000`)).toBe("");
    await daemon.ok("rm", "-f", store, web, other, taker);
  });

  test("name servers, search domains and options, also for containers on the host's network, unless they name their own", async () => {
    const show = ["busybox", "cat", "/etc/resolv.conf"];
    const lines = (text: string) => text.split("\n").filter((line) => /^[a-z]/.test(line));
    const given = ["nameserver 10.254.0.53", "search example.test", "options ndots:7"];
    expect(lines(await run(...show))).toEqual(given);
    expect(lines(await run("--network", "host", ...show))).toEqual(given);
    expect(lines(await run("--dns", "10.1.1.1", ...show))[0]).toBe("nameserver 10.1.1.1");
    expect(await run("--add-host", "me:host-gateway", "busybox", "cat", "/etc/hosts")).toContain("10.9.9.9\tme");
  });

  test.skipIf(!sharesRealtime)("real-time CPU time, of which containers ask for theirs", async () => {
    const show = ["busybox", "sh", "-c", "cat /sys/fs/cgroup/cpu/cpu.rt_*_us | tr '\\n' ' '"];
    const given = await run("--cpu-rt-runtime", "5000", "--cpu-rt-period", "1000000", "--cgroupns", "private", ...show);
    expect(given.trim()).toBe("1000000 5000");
    const more = await daemon.cli(["run", "--rm", "--cpu-rt-runtime", "20000", "busybox", "true"]);
    expect(more.exitCode).not.toBe(0);
  });

  test("options of new networks; containers of the default one do not reach each other", async () => {
    const network = uniqueName("defaults");
    await daemon.ok("network", "create", network);
    expect(await run("--network", network, "busybox", "cat", "/sys/class/net/eth0/mtu")).toBe("1380");
    await daemon.ok("network", "rm", network);
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "echo ok > /index.html; exec httpd -f -h /");
    const address = await daemon.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
    await eventually("the server to listen", async () => {
      const asked = await daemon.cli(["exec", name, "wget", "-qO-", "http://127.0.0.1/"]);
      return asked.stdout === "ok\n";
    });
    const ask = ["busybox", "wget", "-T", "1", "-qO-", `http://${address}/`];
    expect((await daemon.cli(["run", "--rm", ...ask])).exitCode).not.toBe(0);
    await daemon.ok("rm", "-f", name);
  });
});

test("SIGHUP: what Docker reloads is loaded anew, an event tells it, and mistakes change nothing", async () => {
  expect(await daemon.ok("info", "-f", "{{json .Labels}}")).toBe('["rack=4"]');
  const reloads = async (): Promise<string[]> => {
    const now = (Date.now() / 1000).toFixed(3);
    const listed = await daemon.ok(
      "events",
      "--since",
      "0",
      "--until",
      now,
      "--filter",
      "event=reload",
      "--format",
      "{{json .Actor.Attributes}}",
    );
    return listed.split("\n").filter((line) => line !== "");
  };
  const reload = async (document: unknown): Promise<void> => {
    writeFileSync(configuration, JSON.stringify(document));
    process.kill(daemon.engine.pid(), "SIGHUP");
  };
  await reload({
    labels: ["rack=5"],
    debug: true,
    "insecure-registries": ["registry.test:5000"],
    "max-concurrent-downloads": 7,
  });
  await eventually("the event of the reload", async () => (await reloads()).length === 1);
  expect(JSON.parse((await reloads())[0] ?? "")).toMatchObject({
    debug: "true",
    labels: '["rack=5"]',
    "max-concurrent-downloads": "7",
    "insecure-registries": '["registry.test:5000"]',
    "registry-mirrors": "[]",
  });
  expect(await daemon.ok("info", "-f", "{{json .Labels}} {{.Debug}} {{json .RegistryConfig.Mirrors}}")).toBe(
    '["rack=5"] true []',
  );
  expect(await daemon.ok("info")).toContain("registry.test:5000");

  for (const [mistake, complaint] of [
    [{ labels: ["nothing"], debug: false }, "key=value"],
    [{ labels: ["rack=6"], "no-such-thing": 1 }, "no-such-thing"],
  ] as const) {
    await reload(mistake);
    await eventually("the complaint", () => readFileSync(daemon.engine.logFile, "utf8").includes(complaint));
  }
  expect(await daemon.ok("info", "-f", "{{json .Labels}} {{.Debug}}")).toBe('["rack=5"] true');
  expect((await reloads()).length).toBe(1);
});
