import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MountInfo } from "#linux";
import { detectCgroups, offeredLimits } from "./layout.ts";

function mount(type: string, mountPoint: string, ...superOptions: string[]): MountInfo {
  return {
    id: 1,
    parentId: 0,
    device: "0:1",
    root: "/",
    mountPoint,
    options: ["rw"],
    optionalFields: [],
    type,
    source: type,
    superOptions: ["rw", ...superOptions],
  };
}

const v1 = [
  mount("cgroup", "/sys/fs/cgroup/cpu,cpuacct", "cpu", "cpuacct"),
  mount("cgroup", "/sys/fs/cgroup/memory", "memory"),
  mount("cgroup", "/sys/fs/cgroup/systemd", "xattr", "name=systemd"),
];

describe("detectCgroups", () => {
  test("knows pure v1, with controllers that share a mount", () => {
    const layout = detectCgroups(v1);
    expect(layout.version).toBe("v1");
    expect(layout.controllers).toEqual(["cpu", "cpuacct", "memory"]);
    expect(layout.mounts.get("cpuacct")).toBe("/sys/fs/cgroup/cpu,cpuacct");
    expect(layout.mounts.get("name=systemd")).toBe("/sys/fs/cgroup/systemd");
  });

  test("calls v1 controllers beside a v2 tree hybrid", () => {
    const layout = detectCgroups([...v1, mount("cgroup2", "/sys/fs/cgroup/unified")]);
    expect(layout.version).toBe("hybrid");
    expect(layout.controllers).toEqual(["cpu", "cpuacct", "memory"]);
    expect(layout.mounts.get("unified")).toBe("/sys/fs/cgroup/unified");
  });

  test("reads the controllers of a v2 host from its root", () => {
    const root = mkdtempSync(join(tmpdir(), "berth-cgroup-"));
    try {
      writeFileSync(join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
      mkdirSync(join(root, "init.scope"));
      for (const file of ["memory.max", "io.weight"]) writeFileSync(join(root, "init.scope", file), "max\n");
      const layout = detectCgroups([mount("cgroup2", root, "nsdelegate")]);
      expect(layout.version).toBe("v2");
      expect(layout.mounts.get("memory")).toBe(root);
      // This kernel limits memory but has no memory.swap.max: booted with swapaccount=0.
      expect(offeredLimits(layout)).toMatchObject({ memory: true, swap: false, pids: true, oomKillDisable: false });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
