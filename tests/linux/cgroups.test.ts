import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { detectCgroups, offeredLimits, openCgroup } from "#cgroups";

/*
 * The contract of a control group against this host's kernel, whichever version it has. The OCI runtime normally makes
 * the directories; here the test does.
 */
const layout = detectCgroups();
const path = `/berth-test-${process.pid}-${Date.now()}/group`;
const group = openCgroup(layout, path);
const roots = [...new Set(layout.mounts.values())];
const file = (controller: string, name: string): string =>
  readFileSync(join(layout.mounts.get(controller) ?? "", path, name), "utf8").trim();
const isV2 = layout.version === "v2";
let load: Bun.Subprocess<"pipe", "pipe", "ignore">;

beforeAll(async () => {
  if (isV2) {
    const root = roots[0] ?? "";
    const wanted = layout.controllers.filter((name) => ["cpu", "cpuset", "io", "memory", "pids"].includes(name));
    const enable = wanted.map((name) => `+${name}`).join(" ");
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, "cgroup.subtree_control"), enable);
    writeFileSync(join(root, path, "..", "cgroup.subtree_control"), enable);
  } else {
    for (const root of roots) {
      mkdirSync(join(root, path), { recursive: true });
      if (!root.endsWith("cpuset")) continue;
      for (const name of ["cpuset.cpus", "cpuset.mems"]) {
        const value = readFileSync(join(root, name), "utf8");
        writeFileSync(join(root, path, "..", name), value);
        writeFileSync(join(root, path, name), value);
      }
    }
  }
  // It waits until it is in the group, so that all it starts is in there too.
  load = Bun.spawn(
    ["sh", "-c", "read go; head -c 20000000 /dev/zero | tail -c 20000000 >/dev/null; echo ready; sleep 1000"],
    {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    },
  );
  for (const root of roots) writeFileSync(join(root, path, "cgroup.procs"), String(load.pid));
  void load.stdin.write("go\n");
  await load.stdin.flush();
  await load.stdout.getReader().read();
});

afterAll(async () => {
  await group.remove();
  await openCgroup(layout, path.slice(0, path.lastIndexOf("/"))).remove();
  for (const root of roots) expect(existsSync(join(root, path))).toBe(false);
});

describe(`a control group on this host (${layout.version})`, () => {
  test("exists and holds the process", () => {
    expect(group.exists()).toBe(true);
    expect(group.pids()).toContain(load.pid);
  });

  test("shows figures equal to the kernel's", () => {
    const before = isV2 ? 1n : BigInt(file("cpuacct", "cpuacct.usage"));
    const stats = group.stats();
    expect(stats.pids.current).toBe(Number(file("pids", "pids.current")));
    expect(stats.memory.usageBytes).toBeGreaterThan(0);
    expect(stats.cpu.usage).toBeGreaterThanOrEqual(before);
    if (isV2) expect(stats.memory.detail["anon"]).toBeDefined();
    else {
      expect(stats.memory.detail["total_inactive_file"]).toBeDefined();
      expect(stats.cpu.usage).toBeLessThanOrEqual(BigInt(file("cpuacct", "cpuacct.usage")));
      expect(stats.cpu.perCpu.reduce((sum, each) => sum + each, 0n)).toBe(stats.cpu.usage);
    }
  });

  test("raises and lowers memory and swap in an order the kernel accepts", () => {
    const memory = (): number => group.stats().memory.limitBytes;
    const mega = 1024 * 1024;
    for (const [limit, swap] of [
      [256, 512],
      [1024, 2048],
      [128, 128],
      [600, 600],
      [64, 128],
    ] as const) {
      group.update({ memoryBytes: limit * mega, memorySwapBytes: swap * mega });
      expect(memory()).toBe(limit * mega);
      if (!isV2 && offeredLimits(layout).swap)
        expect(Number(file("memory", "memory.memsw.limit_in_bytes"))).toBe(swap * mega);
    }
    group.update({ memorySwapBytes: -1 });
    group.update({ memoryBytes: -1 });
    expect(memory()).toBeGreaterThan(1024 * mega);
  });

  test("changes CPU, pids and cpuset", () => {
    group.update({ cpuPeriodUs: 50_000, cpuQuotaUs: 25_000, cpuShares: 512, pidsLimit: 77, cpusetCpus: "0" });
    expect(group.stats().pids.limit).toBe(77);
    expect(file("cpuset", "cpuset.cpus")).toBe("0");
    if (isV2) expect(file("cpu", "cpu.max")).toBe("25000 50000");
    else {
      expect(file("cpu", "cpu.cfs_quota_us")).toBe("25000");
      expect(file("cpu", "cpu.shares")).toBe("512");
    }
    group.update({ cpuQuotaUs: -1, pidsLimit: -1 });
    expect(group.stats().pids.limit).toBeUndefined();
  });

  test("freezes and thaws", async () => {
    await group.freeze();
    if (!isV2) expect(file("freezer", "freezer.state")).toBe("FROZEN");
    await group.thaw();
    if (!isV2) expect(file("freezer", "freezer.state")).toBe("THAWED");
  });

  test("counts what the OOM killer does", async () => {
    expect(group.oomKills()).toBe(0);
    const procs = join(layout.mounts.get("memory") ?? "", path, "cgroup.procs");
    group.update({ memoryBytes: 30 * 1024 * 1024, memorySwapBytes: 30 * 1024 * 1024 });
    const hungry = Bun.spawn(["sh", "-c", `echo $$ > ${procs}; exec dd if=/dev/zero of=/dev/null bs=100M count=1`], {
      stdout: "ignore",
      stderr: "ignore",
    });
    await hungry.exited;
    expect(hungry.signalCode).toBe("SIGKILL");
    expect(group.oomKills()).toBeGreaterThan(0);
  });

  test("is removed although processes are in it, frozen ones too", async () => {
    await group.freeze();
    await group.remove();
    expect(group.exists()).toBe(false);
    await group.remove();
    expect(group.pids()).toEqual([]);
  });
});
