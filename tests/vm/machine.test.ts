import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { eventually, mustRun } from "../engines/command.ts";
import { berth, docker, dockerResult, get, groupFile, groupOf, pidOf, sleeper, socket } from "./service.ts";
import { writeManyLayers } from "./layers.ts";

/*
 * Berth as most people have it: Debian 12, kernel 6.1, cgroup v2 owned by systemd, AppArmor, the daemon a service.
 * Run by `scripts/vm test`, in a machine that is thrown away afterwards.
 */
const groups = "/sys/fs/cgroup";
const megabyte = 1 << 20;
const systemctl = (...words: string[]) => mustRun(["systemctl", ...words]).then((text) => text.trim());
const supervisorPid = async (): Promise<number> =>
  Number((await mustRun(["pgrep", "-f", "-o", "supervisor --exec-root /run/berth"])).trim());

beforeAll(async () => {
  // It installs a service: not on somebody's own machine.
  if (!existsSync(join(import.meta.dir, "../../.vm-command"))) throw new Error("run these tests by scripts/vm test");
  if (existsSync(socket)) throw new Error("a daemon runs here already; these tests are for a fresh machine");
  await berth("daemon", "install");
  await eventually("the service to answer", () => existsSync(socket), 60_000);
  await docker("load", "-q", "-i", await busyboxArchive());
}, 180_000);

afterAll(async () => {
  const ids = (await docker("ps", "-aq")).split("\n").filter(Boolean);
  if (ids.length > 0) await docker("rm", "-f", "-v", ...ids);
}, 120_000);

describe("the service", () => {
  test("is enabled, runs, and says what the machine is", async () => {
    expect(await systemctl("is-enabled", "berth")).toBe("enabled");
    expect(await systemctl("is-active", "berth")).toBe("active");
    const info = await get<{
      CgroupVersion: string;
      CgroupDriver: string;
      SecurityOptions: string[];
      Warnings: unknown;
    }>("/info");
    expect(info).toMatchObject({ CgroupVersion: "2", CgroupDriver: "cgroupfs" });
    expect(info.SecurityOptions).toContain("name=apparmor");
    expect(info.SecurityOptions.some((option) => option.startsWith("name=seccomp"))).toBe(true);
    console.log("warnings of info:", JSON.stringify(info.Warnings));
  });

  test("restarting it keeps containers, their output and the supervisor", async () => {
    const script = "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); usleep 50000; done; exit 7";
    const id = await docker("run", "-d", "busybox", "sh", "-c", script);
    const pid = await pidOf(id);
    const supervisor = await supervisorPid();
    const daemon = await systemctl("show", "-p", "MainPID", "--value", "berth");
    console.log(
      `daemon in ${groupOf(Number(daemon))}, supervisor in ${groupOf(supervisor)}, container in ${groupOf(pid)}`,
    );
    await systemctl("restart", "berth");
    await eventually("the daemon to answer", async () => (await dockerResult("version")).exitCode === 0, 60_000);
    expect(await systemctl("show", "-p", "MainPID", "--value", "berth")).not.toBe(daemon);
    expect(await supervisorPid()).toBe(supervisor);
    expect(await pidOf(id)).toBe(pid);
    expect(await docker("wait", id)).toBe("7");
    const lines = (await docker("logs", id)).split("\n");
    expect(lines).toEqual(Array.from({ length: 400 }, (_, index) => `line ${index}`));
    await docker("rm", id);
  });

  test("a killed daemon comes back by systemd and takes containers over", async () => {
    const id = await sleeper();
    const pid = await pidOf(id);
    await mustRun(["kill", "-9", await systemctl("show", "-p", "MainPID", "--value", "berth")]);
    await eventually("the daemon to answer", async () => (await dockerResult("version")).exitCode === 0, 60_000);
    expect(await pidOf(id)).toBe(pid);
    expect(await docker("exec", id, "echo", "there")).toBe("there");
    await docker("rm", "-f", id);
  });

  test("a killed supervisor is replaced; the exit code of what ran is known", async () => {
    const id = await docker("run", "-d", "busybox", "sh", "-c", "trap 'exit 9' TERM; while :; do usleep 100000; done");
    const before = await supervisorPid();
    await mustRun(["kill", "-9", String(before)]);
    await eventually(
      "another supervisor",
      async () => {
        const found = await dockerResult("exec", id, "true");
        return found.exitCode === 0;
      },
      60_000,
    );
    expect(await supervisorPid()).not.toBe(before);
    await docker("stop", "-t", "20", id);
    expect(await docker("inspect", "-f", "{{.State.ExitCode}}", id)).toBe("9");
    await docker("rm", id);
  });
});

describe("AppArmor", () => {
  const current = (...options: string[]) =>
    docker("run", "--rm", ...options, "busybox", "cat", "/proc/self/attr/current");

  test("the profile is loaded and in force", async () => {
    expect(readFileSync("/sys/kernel/security/apparmor/profiles", "utf8")).toContain("berth-default (enforce)");
    expect(await current()).toBe("berth-default (enforce)");
    const id = await sleeper();
    expect(await docker("inspect", "-f", "{{.AppArmorProfile}}", id)).toBe("berth-default");
    expect(readFileSync(`/proc/${await pidOf(id)}/attr/current`, "utf8").trim()).toBe("berth-default (enforce)");
    expect(await docker("exec", id, "cat", "/proc/self/attr/current")).toBe("berth-default (enforce)");
    await docker("stop", "-t", "1", id);
    await docker("rm", id);
  });

  test("privileged and unconfined containers are without", async () => {
    expect(await current("--privileged")).toBe("unconfined");
    expect(await current("--security-opt", "apparmor=unconfined")).toBe("unconfined");
    const id = await sleeper("--privileged");
    expect(await docker("inspect", "-f", "{{.AppArmorProfile}}", id)).toBe("unconfined");
    await docker("rm", "-f", id);
  });

  test("denies what capabilities alone would allow", async () => {
    const mounting = ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"];
    const mount = ["busybox", "mount", "-t", "tmpfs", "none", "/tmp"];
    expect((await dockerResult("run", "--rm", ...mounting, ...mount)).exitCode).not.toBe(0);
    expect(
      (await dockerResult("run", "--rm", ...mounting, "--security-opt", "apparmor=unconfined", ...mount)).exitCode,
    ).toBe(0);
  });

  test("a profile that is not loaded fails the start and says so", async () => {
    const result = await dockerResult("run", "--rm", "--security-opt", "apparmor=nope", "busybox", "true");
    expect(result.exitCode).toBeGreaterThanOrEqual(125);
    expect(result.stderr).toContain("nope");
  });
});

describe("cgroup v2", () => {
  test("the group is below /berth, with its controllers, and gone after rm", async () => {
    const id = await sleeper();
    const group = groupOf(await pidOf(id));
    expect(group).toBe(`/berth/${id}`);
    for (const controller of ["cpu", "cpuset", "io", "memory", "pids"]) {
      expect(readFileSync(join(groups, "cgroup.subtree_control"), "utf8").split(/\s+/)).toContain(controller);
      expect(readFileSync(join(groups, group, "cgroup.controllers"), "utf8").split(/\s+/)).toContain(controller);
    }
    // systemd must not take the controllers away again.
    await systemctl("daemon-reload");
    expect(readFileSync(join(groups, group, "cgroup.controllers"), "utf8").split(/\s+/)).toContain("cpuset");
    await docker("rm", "-f", id);
    expect(existsSync(join(groups, group))).toBe(false);
    expect(readdirSync(join(groups, "berth")).filter((name) => name.includes(id))).toEqual([]);
  });

  test("limits are the kernel's", async () => {
    const id = await sleeper(
      ..."-m 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 1 --pids-limit 20".split(
        " ",
      ),
      ..."--device-write-bps /dev/vda:2mb --device-read-iops /dev/vda:100 --blkio-weight 300".split(" "),
    );
    const file = (name: string) => groupFile(id, name);
    expect(await file("memory.max")).toBe(String(64 * megabyte));
    expect(await file("memory.swap.max")).toBe(String(32 * megabyte));
    expect(await file("memory.low")).toBe(String(32 * megabyte));
    expect(await file("cpu.max")).toBe("50000 100000");
    // The formula of runc 1.3 and crun 1.23: 1024 shares are 100, the default of both.
    expect(await file("cpu.weight")).toBe("59");
    expect(await file("cpuset.cpus")).toBe("1");
    expect(await file("pids.max")).toBe("20");
    const io = await file("io.max");
    expect(io).toContain(`wbps=${2 * megabyte}`);
    expect(io).toContain("riops=100");
    await docker(
      "update",
      "-m",
      "128m",
      "--memory-swap",
      "256m",
      "--cpus",
      "0.25",
      "--pids-limit",
      "50",
      "--cpuset-cpus",
      "0",
      "--cpu-shares",
      "2048",
      id,
    );
    expect(await file("memory.max")).toBe(String(128 * megabyte));
    expect(await file("memory.swap.max")).toBe(String(128 * megabyte));
    expect(await file("cpu.max")).toBe("25000 100000");
    expect(await file("cpuset.cpus")).toBe("0");
    expect(await file("pids.max")).toBe("50");
    expect(await file("cpu.weight")).toBe("174");
    await docker("rm", "-f", id);
  });

  test("stats are the kernel's figures", async () => {
    const id = await docker(
      "run",
      "-d",
      "-m",
      "64m",
      "busybox",
      "sh",
      "-c",
      "dd if=/dev/zero of=/f bs=1M count=8; sync; sleep 100000",
    );
    await eventually(
      "the file to be written",
      async () => (await dockerResult("exec", id, "test", "-s", "/f")).exitCode === 0,
    );
    await Bun.sleep(1500);
    const stats = await get<{
      memory_stats: { usage: number; limit: number; stats: Record<string, number> };
      pids_stats: { current: number; limit?: number };
      cpu_stats: { cpu_usage: { total_usage: number } };
      blkio_stats: { io_service_bytes_recursive: readonly { op: string; value: number }[] | null };
    }>(`/containers/${id}/stats?stream=false&one-shot=true`);
    expect(Math.abs(stats.memory_stats.usage - Number(await groupFile(id, "memory.current")))).toBeLessThan(megabyte);
    expect(stats.memory_stats.limit).toBe(64 * megabyte);
    expect(stats.memory_stats.stats["file"]).toBeGreaterThanOrEqual(8 * megabyte);
    expect(stats.pids_stats.current).toBe(Number(await groupFile(id, "pids.current")));
    const usage = Number(/usage_usec (\d+)/.exec(await groupFile(id, "cpu.stat"))?.[1]) * 1000;
    expect(stats.cpu_stats.cpu_usage.total_usage).toBeLessThanOrEqual(usage);
    expect(stats.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(usage * 0.8);
    const written = stats.blkio_stats.io_service_bytes_recursive?.find(
      ({ op, value }) => op.toLowerCase() === "write" && value > 0,
    );
    expect(written?.value).toBeGreaterThanOrEqual(8 * megabyte);
    await docker("rm", "-f", id);
  });

  test("pause freezes, unpause thaws", async () => {
    const id = await sleeper();
    await docker("pause", id);
    expect(await groupFile(id, "cgroup.events")).toContain("frozen 1");
    expect(await docker("inspect", "-f", "{{.State.Status}}", id)).toBe("paused");
    await docker("unpause", id);
    expect(await groupFile(id, "cgroup.events")).toContain("frozen 0");
    await docker("pause", id);
    await docker("rm", "-f", id);
  });

  test("a kill for want of memory is told", async () => {
    const name = "hungry";
    const result = await dockerResult(
      "run",
      "--name",
      name,
      "-m",
      "20m",
      "--memory-swap",
      "20m",
      "busybox",
      "sh",
      "-c",
      "x=$(dd if=/dev/zero bs=1M count=100 | tr '\\0' x); echo ${#x}",
    );
    expect(result.exitCode).not.toBe(0);
    expect(await docker("inspect", "-f", "{{.State.OOMKilled}}", name)).toBe("true");
    await docker("rm", name);
  });

  test("top lists the processes", async () => {
    const id = await sleeper();
    expect(await docker("top", id)).toContain("sleep 100000");
    await docker("rm", "-f", id);
  });

  test("inside, the group is the root of a namespace and not writable", async () => {
    expect(await docker("run", "--rm", "busybox", "cat", "/proc/self/cgroup")).toBe("0::/");
    const writing = await dockerResult("run", "--rm", "busybox", "sh", "-c", "echo 1 > /sys/fs/cgroup/pids.max");
    expect(writing.stderr).toMatch(/Read-only|ermission/);
  });
});

describe("kernel 6.1", () => {
  test("an image of 128 layers runs", async () => {
    const archive = "/var/tmp/tall.tar";
    writeManyLayers(archive, "tall:latest", 128);
    await docker("load", "-q", "-i", archive);
    rmSync(archive);
    expect(await docker("run", "--rm", "tall", "sh", "-c", "ls /layers | wc -l")).toBe("128");
    const info = await get<{ Driver: string }>("/info");
    expect(info.Driver).toBe("overlay2");
  }, 400_000);

  test("seccomp and capabilities are in force", async () => {
    expect(await docker("run", "--rm", "busybox", "sh", "-c", "grep -E '^(Seccomp:|CapEff)' /proc/self/status")).toBe(
      "CapEff:\t00000000a80425fb\nSeccomp:\t2",
    );
    expect((await dockerResult("run", "--rm", "busybox", "unshare", "-U", "true")).exitCode).not.toBe(0);
  });
});

describe("the network", () => {
  test("a published port answers on every address of the host; forwarding is on", async () => {
    const id = await docker(
      "run",
      "-d",
      "-p",
      "8080:80",
      "busybox",
      "sh",
      "-c",
      "mkdir /w; echo hello > /w/index.html; httpd -f -p 80 -h /w",
    );
    for (const host of ["127.0.0.1", "10.0.2.15"]) {
      const text = await eventually(
        `an answer on ${host}`,
        async () => {
          try {
            return await (await fetch(`http://${host}:8080/`)).text();
          } catch {
            return undefined; // not listening yet
          }
        },
        30_000,
      );
      expect(text).toBe("hello\n");
    }
    expect(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim()).toBe("1");
    expect(await mustRun(["nft", "list", "tables"])).toContain("berth");
    await docker("rm", "-f", id);
  });

  test("containers of a network reach each other and the host", async () => {
    await docker("network", "create", "pair");
    await docker("run", "-d", "--name", "one", "--network", "pair", "busybox", "sleep", "1000");
    const address = await docker("inspect", "-f", "{{.NetworkSettings.Networks.pair.IPAddress}}", "one");
    for (const target of [address, "10.0.2.15"]) {
      const said = await docker("run", "--rm", "--network", "pair", "busybox", "ping", "-c", "1", "-W", "10", target);
      expect(said).toContain("1 packets received");
    }
    await docker("rm", "-f", "one");
    await docker("network", "rm", "pair");
  });
});

describe("uninstalling", () => {
  test("takes the service away and leaves the data", async () => {
    await berth("daemon", "uninstall");
    expect(existsSync("/etc/systemd/system/berth.service")).toBe(false);
    expect(existsSync("/var/lib/berth/berth.db")).toBe(true);
    await berth("daemon", "install");
    await eventually("the service to answer", async () => (await dockerResult("version")).exitCode === 0, 60_000);
    expect(await docker("images", "-q", "busybox")).not.toBe("");
  });
});
