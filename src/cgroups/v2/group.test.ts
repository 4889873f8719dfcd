import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cgroup } from "../contract.ts";
import { openCgroup } from "../open.ts";
import { cpuWeightOfShares } from "./cpu.ts";
import { ioWeightOfBlkioWeight } from "./io.ts";

const path = "/berth/web";
let root: string;
let group: Cgroup;

/** What a kernel 6.x shows for a small container. */
const files: Record<string, string> = {
  "cgroup.procs": "12\n34\n",
  "cgroup.events": "populated 1\nfrozen 1\n",
  "cgroup.freeze": "0\n",
  "cpu.stat":
    "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnr_periods 10\nnr_throttled 3\nthrottled_usec 4500\n",
  "cpu.max": "max 100000\n",
  "cpu.weight": "100\n",
  "memory.current": "1048576\n",
  "memory.max": "67108864\n",
  "memory.swap.max": "67108864\n",
  "memory.low": "0\n",
  "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n",
  "memory.stat": "anon 4096\nfile 8192\ninactive_file 2048\n",
  "pids.current": "2\n",
  "pids.max": "max\n",
  "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n",
  "io.max": "",
  "io.weight": "default 100\n",
  "cpuset.cpus": "\n",
};

const read = (file: string): string => readFileSync(join(root, path, file), "utf8");

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "berth-cgroup2-"));
  mkdirSync(join(root, path, "nested"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, path, name), text);
  writeFileSync(join(root, path, "nested", "cgroup.procs"), "56\n0\n");
  group = openCgroup({ version: "v2", mounts: new Map([["memory", root]]), controllers: ["memory"] }, path);
});
afterEach(() => rmSync(root, { recursive: true }));

describe("a v2 group", () => {
  test("shows the kernel's figures in the contract's units", () => {
    expect(group.stats()).toEqual({
      cpu: {
        usage: 1_234_567_000n,
        user: 1_000_000_000n,
        system: 234_567_000n,
        perCpu: [],
        periods: 10,
        throttledPeriods: 3,
        throttledTime: 4_500_000n,
      },
      memory: {
        usageBytes: 1_048_576,
        failCount: 2,
        limitBytes: 67_108_864,
        detail: { anon: 4096, file: 8192, inactive_file: 2048 },
      },
      pids: { current: 2, limit: undefined },
      blkio: {
        serviceBytes: [
          { major: 8, minor: 0, op: "read", value: 4096 },
          { major: 8, minor: 0, op: "write", value: 8192 },
        ],
        serviced: [
          { major: 8, minor: 0, op: "read", value: 1 },
          { major: 8, minor: 0, op: "write", value: 2 },
        ],
      },
    });
    expect(group.oomKills()).toBe(1);
    expect(group.pids().toSorted((a, b) => a - b)).toEqual([12, 34, 56]);
  });

  test("turns memory plus swap into swap alone", () => {
    group.update({ memoryBytes: 100_000_000, memorySwapBytes: 150_000_000 });
    expect(read("memory.max")).toBe("100000000");
    expect(read("memory.swap.max")).toBe("50000000");
    group.update({ memorySwapBytes: -1 });
    expect(read("memory.swap.max")).toBe("max");
  });

  test("keeps the sum when only memory changes", () => {
    group.update({ memoryBytes: 100_000_000 });
    expect(read("memory.swap.max")).toBe(String(2 * 67_108_864 - 100_000_000));
  });

  test("refuses a limit below what is used, as v1 does", () => {
    expect(() => group.update({ memoryBytes: 4096 })).toThrow(
      "unable to set memory limit to 4096 (current usage: 1048576)",
    );
    expect(read("memory.max")).toBe("67108864\n");
  });

  test("writes quota and period together, and each alone", () => {
    group.update({ cpuQuotaUs: 50_000 });
    expect(read("cpu.max")).toBe("50000 100000");
    group.update({ cpuPeriodUs: 20_000 });
    expect(read("cpu.max")).toBe("50000 20000");
    group.update({ cpuQuotaUs: -1 });
    expect(read("cpu.max")).toBe("max 20000");
  });

  test("writes pids, cpuset, weights and throttles", () => {
    group.update({ pidsLimit: 50, cpusetCpus: "0", blkioWeight: 500, cpuShares: 512 });
    expect([read("pids.max"), read("cpuset.cpus"), read("io.weight"), read("cpu.weight")]).toEqual([
      "50",
      "0",
      "4950",
      "59",
    ]);
    group.update({ pidsLimit: -1, blkioReadBps: [{ major: 8, minor: 0, rate: 1000 }] });
    expect([read("pids.max"), read("io.max")]).toEqual(["max", "8:0 rbps=1000"]);
  });

  test("names the file and the errno when a file is missing", () => {
    rmSync(join(root, path, "pids.max"));
    expect(() => group.update({ pidsLimit: 5 })).toThrow("pids.max does not exist any more");
  });

  test("freezes when the kernel says so and thaws", async () => {
    await group.freeze();
    expect(read("cgroup.freeze")).toBe("1");
    await group.thaw();
    expect(read("cgroup.freeze")).toBe("0");
  });
});

test("cpuWeightOfShares meets minimum, default and maximum", () => {
  expect([0, 2, 1024, 262_144].map(cpuWeightOfShares)).toEqual([100, 1, 100, 10_000]);
});

test("ioWeightOfBlkioWeight meets both ends", () => {
  expect([10, 1000].map(ioWeightOfBlkioWeight)).toEqual([1, 10_000]);
});

test.each(["/", "", "relative", "/a/../b", "/a//b", "/a/", "/a\0b"])("openCgroup refuses the path %j", (bad) => {
  expect(() => openCgroup({ version: "v1", mounts: new Map(), controllers: [] }, bad)).toThrow("Invalid cgroup path");
});
