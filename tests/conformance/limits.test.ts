import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");

/** The container's control group as the host sees it, for one v1 controller (or the one v2 tree). */
async function cgroupOf(name: string, controller: string): Promise<string> {
  const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  if (unified) return join("/sys/fs/cgroup", lines.find((line) => line.startsWith("0::"))?.slice(3) ?? "");
  const line = lines.find((candidate) => candidate.split(":")[1]?.split(",").includes(controller));
  return join("/sys/fs/cgroup", controller, line?.split(":")[2] ?? "");
}

async function read(name: string, controller: string, v1: string, v2: string): Promise<string> {
  return readFileSync(join(await cgroupOf(name, controller), unified ? v2 : v1), "utf8").trim();
}

async function sleeper(...options: string[]): Promise<string> {
  const name = uniqueName();
  await daemon.ok("run", "-d", "--name", name, ...options, "busybox", "sleep", "1000");
  return name;
}

const megabyte = 1 << 20;

describe("limits", () => {
  test("-m sets the kernel's limit, and swap as much again", async () => {
    const name = await sleeper("-m", "64m");
    expect(await read(name, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(64 * megabyte));
    expect(await daemon.ok("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}", name)).toBe(
      `${64 * megabyte} ${128 * megabyte}`,
    );
    await daemon.ok("rm", "-f", name);
  });

  test("--memory-reservation and --memory-swap", async () => {
    const name = await sleeper("-m", "64m", "--memory-reservation", "32m", "--memory-swap", "64m");
    expect(await read(name, "memory", "memory.soft_limit_in_bytes", "memory.low")).toBe(String(32 * megabyte));
    await daemon.ok("rm", "-f", name);
  });

  test("--cpus sets quota and period", async () => {
    const name = await sleeper("--cpus", "0.5");
    const quota = unified
      ? await read(name, "cpu", "", "cpu.max")
      : `${await read(name, "cpu", "cpu.cfs_quota_us", "")} ${await read(name, "cpu", "cpu.cfs_period_us", "")}`;
    expect(quota).toBe("50000 100000");
    await daemon.ok("rm", "-f", name);
  });

  test("--cpu-shares, --cpuset-cpus, --pids-limit", async () => {
    const name = await sleeper("--cpu-shares", "512", "--cpuset-cpus", "0", "--pids-limit", "20");
    expect(await read(name, "cpu", "cpu.shares", "cpu.weight")).toMatch(unified ? /^(59|20)$/ : /^512$/);
    expect(await read(name, "cpuset", "cpuset.cpus", "cpuset.cpus")).toBe("0");
    expect(await read(name, "pids", "pids.max", "pids.max")).toBe("20");
    const bomb = await daemon.cli(["exec", name, "sh", "-c", "for i in $(seq 40); do sleep 5 & done"]);
    expect(bomb.stderr + bomb.stdout).toMatch(/fork|Resource temporarily unavailable/);
    await daemon.ok("rm", "-f", name);
  });

  test("--ulimit and --sysctl are the process's", async () => {
    const output = await daemon.ok(
      "run", "--rm", "--ulimit", "nofile=100:200", "--sysctl", "net.ipv4.ip_unprivileged_port_start=80", "busybox", "sh", "-c",
      "ulimit -Sn; ulimit -Hn; cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
    ); // prettier-ignore
    expect(output.split("\n")).toEqual(["100", "200", "80"]);
  });

  test("--shm-size is the size of /dev/shm", async () => {
    const kilobytes = async (...options: string[]) =>
      (await daemon.ok("run", "--rm", ...options, "busybox", "df", "-k", "/dev/shm")).split("\n")[1]?.split(/\s+/)[1];
    expect(await kilobytes()).toBe("65536");
    expect(await kilobytes("--shm-size", "8m")).toBe("8192");
  });

  test("update changes a running container and what inspect says", async () => {
    const name = await sleeper("-m", "64m");
    expect(
      await daemon.ok("update", "-m", "128m", "--memory-swap", "256m", "--cpus", "0.25", "--pids-limit", "50", name),
    ).toBe(name);
    expect(await read(name, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(128 * megabyte));
    expect(await read(name, "pids", "pids.max", "pids.max")).toBe("50");
    expect(await read(name, "cpu", "cpu.cfs_quota_us", "cpu.max")).toStartWith("25000");
    expect(
      await daemon.ok(
        "inspect",
        "-f",
        "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}",
        name,
      ),
    ).toBe(`${128 * megabyte} 250000000 50`);
    await daemon.ok("update", "--restart", "on-failure:3", name);
    expect(
      await daemon.ok(
        "inspect",
        "-f",
        "{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}",
        name,
      ),
    ).toBe("on-failure:3");
    expect(await read(name, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(128 * megabyte));
    await daemon.ok("rm", "-f", name);
  });

  test("update of a stopped container counts at its next start", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox", "sleep", "1000");
    await daemon.ok("update", "-m", "32m", "--memory-swap", "64m", name);
    await daemon.ok("start", name);
    expect(await read(name, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(32 * megabyte));
    await daemon.ok("rm", "-f", name);
  });

  test("memory above the stored swap limit is refused", async () => {
    const name = await sleeper("-m", "32m");
    const result = await daemon.cli(["update", "-m", "256m", name]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("Memory limit should be smaller than already set memoryswap limit");
    await daemon.ok("rm", "-f", name);
  });

  test("running out of memory is reported", async () => {
    const name = uniqueName();
    const result = await daemon.cli([
      "run", "--name", name, "-m", "16m", "--memory-swap", "16m", "busybox", "sh", "-c", "head -c 200000000 /dev/zero | tail -c 100000000 | wc -c; exit 0",
    ]); // prettier-ignore
    const killed = await daemon.cli([
      "run",
      "--name",
      `${name}-init`,
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      "busybox",
      "tail",
      "-c",
      "100000000",
      "/dev/zero",
    ]);
    expect(killed.exitCode).toBe(137);
    expect(await daemon.ok("inspect", "-f", "{{.State.OOMKilled}}", `${name}-init`)).toBe("true");
    expect(result.exitCode).toBe(0);
    await eventually("the event", async () => {
      const events = await daemon.ok(
        "events",
        "--since",
        "1m",
        "--until",
        "0s",
        "--filter",
        "event=oom",
        "--format",
        "{{.Actor.Attributes.name}}",
      );
      return events.includes(`${name}-init`) || (targetIsDockerd && events.includes(name));
    });
    await daemon.ok("rm", name, `${name}-init`);
  });

  test("an ordinary end is not called out of memory", async () => {
    const name = uniqueName();
    await daemon.cli(["run", "--name", name, "-m", "16m", "busybox", "sh", "-c", "exit 137"]);
    expect(await daemon.ok("inspect", "-f", "{{.State.OOMKilled}}", name)).toBe("false");
    await daemon.ok("rm", name);
  });

  test.skipIf(!unified && !existsSync("/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device"))(
    "--device-read-bps throttles a block device",
    async () => {
      const device = (await Bun.$`lsblk -dpno NAME`.nothrow().text()).trim().split("\n")[0] ?? "";
      if (!existsSync(device)) return;
      const name = await sleeper("--device-read-bps", `${device}:1mb`, "--device-write-iops", `${device}:100`);
      const file = await read(name, "blkio", "blkio.throttle.read_bps_device", "io.max");
      expect(file).toContain("1048576");
      await daemon.ok("rm", "-f", name);
    },
  );
});

type Stats = {
  readonly id: string;
  readonly name: string;
  readonly read: string;
  readonly cpu_stats: {
    readonly cpu_usage: { readonly total_usage: number };
    readonly system_cpu_usage: number;
    readonly online_cpus: number;
  };
  readonly precpu_stats: { readonly cpu_usage: { readonly total_usage: number } };
  readonly memory_stats: { readonly usage: number; readonly limit: number; readonly stats: Record<string, number> };
  readonly pids_stats: { readonly current: number };
  readonly networks: Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>;
};

describe("stats and top", () => {
  test("one record equals the kernel's figures", async () => {
    const name = await sleeper("-m", "64m");
    const before = Number(
      unified
        ? /usage_usec (\d+)/.exec(await read(name, "cpu", "", "cpu.stat"))?.[1]
        : await read(name, "cpuacct", "cpuacct.usage", ""),
    );
    const stats = (await daemon.api("GET", `/containers/${name}/stats?stream=false`)).json<Stats>();
    const after = Number(
      unified
        ? /usage_usec (\d+)/.exec(await read(name, "cpu", "", "cpu.stat"))?.[1]
        : await read(name, "cpuacct", "cpuacct.usage", ""),
    );
    const scale = unified ? 1000 : 1;
    expect(stats.cpu_stats.cpu_usage.total_usage).toBeGreaterThanOrEqual(before * scale);
    expect(stats.cpu_stats.cpu_usage.total_usage).toBeLessThanOrEqual(after * scale);
    const usage = Number(await read(name, "memory", "memory.usage_in_bytes", "memory.current"));
    expect(Math.abs(stats.memory_stats.usage - usage)).toBeLessThan(512 * 1024);
    expect(stats.memory_stats.limit).toBe(64 * megabyte);
    expect(stats.pids_stats.current).toBe(1);
    expect(stats.name).toBe(`/${name}`);
    expect(stats.precpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
    expect(Object.keys(stats.networks)).toEqual(["eth0"]);
    await daemon.ok("rm", "-f", name);
  });

  test("the client shows percent, memory and processes", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--cpus",
      "0.5",
      "-m",
      "64m",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "while :; do :; done",
    );
    const row = await daemon.ok(
      "stats",
      "--no-stream",
      "--format",
      "{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.PIDs}}",
      name,
    );
    const [shown, percent, memory, processes] = row.split("|");
    expect(shown).toBe(name);
    expect(Number.parseFloat(percent ?? "")).toBeGreaterThan(1);
    expect(Number.parseFloat(percent ?? "")).toBeLessThan(75);
    expect(memory).toMatch(/^[\d.]+[KM]iB \/ 64MiB$/);
    expect(processes).toBe("1");
    await daemon.ok("rm", "-f", name);
  });

  test("a stream brings a record a second", async () => {
    const name = await sleeper();
    const response = await fetch(`http://localhost/containers/${name}/stats`, { unix: daemon.engine.socket });
    const reader = response.body?.getReader();
    let text = "";
    const start = Date.now();
    while (text.split("\n").length < 4) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(Date.now() - start).toBeGreaterThan(1500);
    await reader?.cancel();
    const [first, second] = text.split("\n").map((line) => (line === "" ? undefined : (JSON.parse(line) as Stats)));
    expect(first?.precpu_stats.cpu_usage.total_usage).toBe(0);
    expect(second?.precpu_stats.cpu_usage.total_usage).toBe(first?.cpu_stats.cpu_usage.total_usage ?? -1);
    await daemon.ok("rm", "-f", name);
  });

  test("one-shot answers at once; a stopped container has zeros", async () => {
    const name = await sleeper();
    const once = await daemon.api("GET", `/containers/${name}/stats?stream=false&one-shot=true`);
    expect(once.status).toBe(200);
    // No second look, so nothing to compare with.
    expect(once.json<Stats>().precpu_stats.cpu_usage.total_usage).toBe(0);
    await daemon.ok("stop", "-t", "0", name);
    const stopped = await daemon.api("GET", `/containers/${name}/stats?stream=false`);
    expect(stopped.status).toBe(200);
    expect(stopped.json<Stats>().pids_stats.current ?? 0).toBe(0);
    await daemon.ok("rm", name);
  });

  test("network bytes are counted from the container's side", async () => {
    const name = await sleeper();
    await daemon.ok("exec", name, "sh", "-c", "ping -c 5 -s 1000 $(ip route | awk '/default/ {print $3}') >/dev/null");
    const stats = (await daemon.api("GET", `/containers/${name}/stats?stream=false&one-shot=true`)).json<Stats>();
    expect(stats.networks["eth0"]?.tx_bytes ?? 0).toBeGreaterThan(5000);
    await daemon.ok("rm", "-f", name);
  });

  test("top lists the processes as ps of the host does", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "sleep 4242 & exec sleep 4343");
    await eventually("both", async () => (await daemon.ok("top", name)).includes("4242"));
    const lines = (await daemon.ok("top", name)).split("\n");
    expect(lines[0]).toMatch(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD/);
    expect(lines.length).toBe(3);
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    expect(lines.some((line) => line.split(/\s+/)[1] === pid && line.includes("sleep 4343"))).toBe(true);
    expect(await daemon.ok("top", name, "-o", "pid,comm")).toMatch(/^PID +COMMAND/);
    const stopped = uniqueName();
    await daemon.ok("create", "--name", stopped, "busybox");
    expect((await daemon.cli(["top", stopped])).stderr).toContain("is not running");
    await daemon.ok("rm", "-f", name, stopped);
  });
});

test.if(!targetIsDockerd)("two containers of 1 GB and 2 GB both run, each with its own limit", async () => {
  const one = await sleeper("-m", "1g");
  const two = await sleeper("-m", "2g");
  expect(await read(one, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(1 << 30));
  expect(await read(two, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(2 ** 31));
  await daemon.ok("rm", "-f", one, two);
});
