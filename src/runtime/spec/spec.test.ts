import { describe, expect, test } from "bun:test";
import { buildRuntimeSpec, type SpecInput } from "./build-spec.ts";
import { parseDeviceRule } from "./devices.ts";
import { runtimeResources } from "./resources.ts";
import { serializeSpec } from "./serialize.ts";

const input: SpecInput = {
  process: { terminal: false, user: { uid: 0, gid: 0 }, args: ["sh"], env: [], cwd: "/" },
  rootfs: "/rootfs",
  readonlyRootfs: false,
  hostname: "web",
  domainname: "",
  privileged: false,
  writableCgroups: false,
  namespaces: { pid: "private", network: { path: "/proc/7/fd/9" }, ipc: "private", uts: "private", cgroup: "host" },
  shm: { sizeBytes: 1024 },
  mounts: [],
  devices: [],
  deviceRules: [],
  resources: {},
  cgroupsPath: "/berth/x",
  seccomp: undefined,
  maskedPaths: ["/proc/kcore"],
  readonlyPaths: ["/proc/sys"],
  sysctls: {},
  annotations: {},
};

describe("buildRuntimeSpec()", () => {
  test("joins a namespace by path and leaves the host's out", () => {
    expect(buildRuntimeSpec(input).linux.namespaces).toEqual([
      { type: "mount" },
      { type: "pid" },
      { type: "network", path: "/proc/7/fd/9" },
      { type: "ipc" },
      { type: "uts" },
    ]);
  });

  test("joins a user namespace and tells its mapping, and leaves the host's queues alone", () => {
    const ids = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
    const user = { path: "/proc/7/fd/8", idMapping: { uids: ids, gids: [] } };
    const { linux, mounts } = buildRuntimeSpec({ ...input, user });
    expect(linux.namespaces.at(-1)).toEqual({ type: "user", path: "/proc/7/fd/8" });
    expect(linux.uidMappings).toEqual([{ containerID: 0, hostID: 100_000, size: 65_536 }]);
    expect(linux.gidMappings).toEqual([]);
    const queues = (given: SpecInput) => buildRuntimeSpec(given).mounts.filter(({ type }) => type === "mqueue").length;
    expect(mounts.some(({ type }) => type === "mqueue")).toBe(true);
    expect(queues({ ...input, user, namespaces: { ...input.namespaces, ipc: "host" } })).toBe(0);
    expect(queues({ ...input, namespaces: { ...input.namespaces, ipc: "host" } })).toBe(1);
  });

  test("puts parents before children and lets a given mount replace a default", () => {
    const mount = (destination: string) => ({ destination, type: "bind", source: "/s", options: ["rbind"] });
    const spec = buildRuntimeSpec({
      ...input,
      mounts: [mount("/a/b/c"), mount("/a"), mount("/dev/shm"), mount("/a/b")],
    });
    const destinations = spec.mounts.map(({ destination }) => destination);
    expect(destinations.filter((path) => path === "/dev/shm")).toHaveLength(1);
    expect(destinations.slice(-4)).toEqual(["/a", "/dev/shm", "/a/b", "/a/b/c"]);
  });

  test("denies all devices but the usual ones, and nothing to a privileged container", () => {
    expect(buildRuntimeSpec(input).linux.resources?.devices?.[0]).toEqual({ allow: false, access: "rwm" });
    expect(buildRuntimeSpec({ ...input, privileged: true }).linux.resources?.devices).toEqual([
      { allow: true, access: "rwm" },
    ]);
  });

  test("shares the root when a mount is shared", () => {
    const mounts = [{ destination: "/a", type: "bind", source: "/s", options: ["rbind", "rshared"] }];
    expect(buildRuntimeSpec({ ...input, mounts }).linux.rootfsPropagation).toBe("shared");
  });
});

describe("runtimeResources()", () => {
  test("turns --cpus into a quota and leaves unset limits out", () => {
    expect(runtimeResources({ NanoCpus: 1_500_000_000, Memory: 0, PidsLimit: null })).toEqual({
      cpu: { period: 100_000, quota: 150_000 },
    });
  });

  test("keeps memory, swap and pids", () => {
    expect(runtimeResources({ Memory: 64, MemorySwap: 128, PidsLimit: 10 })).toEqual({
      memory: { limit: 64, swap: 128 },
      pids: { limit: 10 },
    });
  });
});

test("parseDeviceRule() reads Docker's form and refuses others", () => {
  expect(parseDeviceRule("c 42:* rw")).toEqual({ allow: true, type: "c", major: 42, access: "rw" });
  expect(() => parseDeviceRule("c 42 rw")).toThrow("invalid device cgroup rule format: 'c 42 rw'");
});

describe("buildRuntimeSpec() and mounts", () => {
  const bind = (destination: string, source = "/x") => ({ destination, source, type: "bind", options: ["rbind"] });
  const destinations = (...mounts: ReturnType<typeof bind>[]) =>
    buildRuntimeSpec({ ...input, mounts }).mounts.map((mount) => mount.destination);

  test("refuses what lies on or in /proc", () => {
    for (const path of ["/proc", "/proc/sys", "/proc/self/attr", "//proc/x", "/a/../proc/y"])
      expect(() => destinations(bind(path))).toThrow("cannot be mounted because it is inside /proc");
    expect(destinations(bind("/proc/cpuinfo"), bind("/proc", "/proc"), bind("/process"))).toContain("/process");
  });

  test("leaves out the default mounts below a /dev of the user's own", () => {
    const found = destinations(bind("/dev", "/dev"));
    expect(found.filter((path) => path.startsWith("/dev"))).toEqual(["/dev"]);
  });
});

test("serializeSpec() writes unlimited as the kernel's 64 ones", () => {
  const process = { ...input.process, rlimits: [{ type: "RLIMIT_CORE", soft: 1, hard: 2 ** 64 }] };
  expect(serializeSpec(process)).toContain('"hard":18446744073709551615}');
});
