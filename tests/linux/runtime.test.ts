import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { detectCgroups, openCgroup } from "#cgroups";
import type { HostConfig, RuntimeSpec } from "#formats";
import {
  buildRuntimeSpec,
  checkSysctls,
  deleteArguments,
  execArguments,
  resolveDevices,
  runArguments,
  runtimeError,
  runtimeResources,
  serializeSpec,
} from "#runtime";
import type { SpecInput } from "#runtime";
import { capabilitySets, containerSecurity, resolveUser } from "#security";

/*
 * Containers by the real runtimes from our config.json, looked at from inside. Each has a control group of its own name
 * and the host's network, so that nothing of another daemon is touched.
 */
const busybox = "/bin/busybox";
const layout = detectCgroups();
const runtimes = ["crun", "runc"].flatMap((name) => Bun.which(name) ?? []);
const work = mkdtempSync(join(tmpdir(), "berth-runtime-"));
const rootfs = join(work, "rootfs");
const cgroupParent = `/berth-runtime-test-${process.pid}`;
const ownGroup = `/sys/fs/cgroup/${layout.version === "v2" ? "" : "pids/"}cgroup.procs`;
let serial = 0;

beforeAll(() => {
  for (const directory of ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "adir", "data", "var"])
    mkdirSync(join(rootfs, directory), { recursive: true });
  cpSync(busybox, join(rootfs, "bin/busybox"));
  for (const applet of ["sh", "cat", "id", "ls", "grep", "hostname", "mount", "sleep", "true", "stat", "touch", "df"])
    linkSync(join(rootfs, "bin/busybox"), join(rootfs, "bin", applet));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nwheel:x:10:root\nweb:x:1000:\naudio:x:29:web\n");
  writeFileSync(join(rootfs, "notexec"), "text");
  writeFileSync(join(rootfs, "badinterpreter"), "#!/nope/interpreter\n");
  chmodSync(join(rootfs, "badinterpreter"), 0o755);
});

afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await openCgroup(layout, cgroupParent).remove();
});

type Wish = {
  readonly args: readonly string[];
  readonly user?: string;
  readonly cwd?: string;
  readonly hostConfig?: HostConfig;
  readonly change?: (input: SpecInput) => SpecInput;
  readonly rlimits?: { type: string; soft: number; hard: number }[];
};

function specOf(wish: Wish, cgroupsPath: string): RuntimeSpec {
  const hostConfig = wish.hostConfig ?? {};
  const security = containerSecurity(hostConfig, { noNewPrivileges: false, appArmorProfile: undefined });
  const user = resolveUser(rootfs, wish.user ?? "", hostConfig.GroupAdd ?? []);
  const devices = resolveDevices(hostConfig);
  const input: SpecInput = {
    process: {
      terminal: false,
      user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
      args: [...wish.args],
      env: ["PATH=/bin", `HOME=${user.home}`],
      cwd: wish.cwd ?? "/",
      capabilities: capabilitySets(security.capabilities, user.uid),
      rlimits: wish.rlimits ?? [],
      noNewPrivileges: security.noNewPrivileges,
    },
    rootfs,
    readonlyRootfs: hostConfig.ReadonlyRootfs === true,
    hostname: "inside",
    domainname: "",
    privileged: security.privileged,
    writableCgroups: security.writableCgroups,
    namespaces: { pid: "private", network: "private", ipc: "private", uts: "private", cgroup: "private" },
    shm: { sizeBytes: 64 * 1024 * 1024 },
    mounts: [],
    devices: devices.devices,
    deviceRules: devices.rules,
    resources: runtimeResources(hostConfig),
    cgroupsPath,
    seccomp: security.seccomp,
    maskedPaths: security.maskedPaths,
    readonlyPaths: security.readonlyPaths,
    sysctls: checkSysctls(hostConfig.Sysctls ?? {}, { network: true, ipc: true, uts: true }),
    annotations: {},
  };
  return buildRuntimeSpec(wish.change?.(input) ?? input);
}

function run(runtime: string, wish: Wish): { code: number; out: string; err: string; log: string } {
  const id = `t${process.pid}-${serial++}`;
  const bundle = join(work, id);
  mkdirSync(bundle);
  writeFileSync(join(bundle, "config.json"), serializeSpec(specOf(wish, `${cgroupParent}/${id}`)));
  const head = [runtime, "--root", join(work, "state"), "--log", join(bundle, "log"), "--log-format", "json"];
  const { exitCode, stdout, stderr } = Bun.spawnSync([...head, "run", "--bundle", bundle, id], {
    stdin: "ignore",
    timeout: 20_000,
  });
  const log = readFileSync(join(bundle, "log"), "utf8");
  return { code: exitCode, out: stdout.toString(), err: stderr.toString(), log };
}

function shell(runtime: string, script: string, wish: Omit<Wish, "args"> = {}): string {
  const { code, out, err, log } = run(runtime, { ...wish, args: ["/bin/sh", "-c", script] });
  if (code !== 0) throw new Error(`exit ${code}: ${out} ${err} ${log}`);
  return out.trim();
}

describe.each(runtimes)("%s with our config.json", (runtime) => {
  test("confines root to Docker's capabilities, with seccomp", () => {
    const status = shell(runtime, "grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status");
    expect(Object.fromEntries(status.split("\n").map((line) => line.split(/:\s*/)))).toMatchObject({
      CapInh: "0000000000000000",
      CapPrm: "00000000a80425fb",
      CapEff: "00000000a80425fb",
      CapBnd: "00000000a80425fb",
      CapAmb: "0000000000000000",
      NoNewPrivs: "0",
      Seccomp: "2",
    });
  });

  test("leaves a user no capabilities but the bounding set, and gives its groups", () => {
    const script = "id; grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status";
    const out = shell(runtime, script, { user: "web", hostConfig: { GroupAdd: ["77"], CapAdd: ["NET_ADMIN"] } });
    expect(out).toContain("uid=1000(web) gid=1000(web) groups=29(audio),77,1000(web)");
    expect(out).toMatch(/CapPrm:\s*0{16}\nCapEff:\s*0{16}\nCapBnd:\s*00000000a80435fb\nCapAmb:\s*0{16}/);
  });

  test("sets no-new-privileges when asked", () => {
    const hostConfig = { SecurityOpt: ["no-new-privileges"] };
    expect(shell(runtime, "grep NoNewPrivs /proc/self/status", { hostConfig })).toMatch(/1$/);
  });

  test("hides and write-protects the kernel's files", () => {
    const out = shell(
      runtime,
      `cat /proc/kcore /proc/timer_list /proc/interrupts /proc/keys 2>/dev/null | wc -c; ls /sys/firmware /proc/scsi 2>/dev/null
       for f in /proc/sys/kernel/hostname /sys/kernel/profiling ${ownGroup}; do
         (echo 1 > $f) 2>&1 | grep -q 'Read-only' && echo ro $f; done; true`.replaceAll("wc -c", "busybox wc -c"),
    );
    expect(out.split("\n").filter((line) => !line.endsWith(":") && line !== "")).toEqual([
      "0",
      "ro /proc/sys/kernel/hostname",
      "ro /sys/kernel/profiling",
      `ro ${ownGroup}`,
    ]);
  });

  test("has its own names, processes, descriptors and devices", () => {
    const out = shell(runtime, "hostname; echo pid $$; ls /proc/self/fd; ls /dev");
    const lines = out.split("\n");
    expect(lines.slice(0, 2)).toEqual(["inside", "pid 1"]);
    // 3 is the directory that ls itself has open; /dev/core is crun's link to the masked /proc/kcore.
    expect(lines.slice(2, 6)).toEqual(["0", "1", "2", "3"]);
    expect(lines.slice(6).filter((name) => !["console", "core"].includes(name))).toEqual(
      "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split(" "),
    );
    expect(hostname()).not.toBe("inside");
  });

  test("passes memory, CPU, pids and shm limits to the kernel", () => {
    const id = `t${process.pid}-${serial}`;
    const hostConfig: HostConfig = {
      Memory: 64 * 1024 * 1024,
      MemorySwap: 64 * 1024 * 1024,
      NanoCpus: 5e8,
      PidsLimit: 30,
    };
    const bundleGroup = openCgroup(layout, `${cgroupParent}/${id}`);
    const out = shell(
      runtime,
      "df -k /dev/shm | busybox tail -1; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max",
      { hostConfig },
    );
    expect(out).toMatch(/^shm\s+65536 /);
    expect(out.split("\n").slice(1).join(" ")).toMatch(/^67108864 50000( 100000)? 30$/);
    expect(bundleGroup.exists()).toBe(false);
  });

  test("takes ulimits, unlimited ones too", () => {
    const out = shell(runtime, "ulimit -n; ulimit -c", {
      rlimits: [
        { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
        { type: "RLIMIT_CORE", soft: 2 ** 64, hard: 2 ** 64 },
      ],
    });
    expect(out.split("\n")).toEqual(["100", "unlimited"]);
  });

  test("mounts parents before children, tmpfs with options, and a read-only root", () => {
    const change = (input: SpecInput): SpecInput => ({
      ...input,
      mounts: [
        { destination: "/data/deep", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m"] },
        { destination: "/data", type: "tmpfs", source: "tmpfs", options: ["noexec"] },
      ],
    });
    const out = shell(runtime, "touch /data/a /data/deep/b; mount | grep ' /data'; touch /root/x 2>&1 || true", {
      hostConfig: { ReadonlyRootfs: true },
      change,
    });
    expect(out).toMatch(/on \/data type tmpfs .*noexec/);
    expect(out).toMatch(/on \/data\/deep type tmpfs .*size=1024k/);
    expect(out).toContain("Read-only file system");
  });

  test("sets namespaced sysctls", () => {
    const hostConfig = { Sysctls: { "net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678" } };
    expect(shell(runtime, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax", { hostConfig })).toBe(
      "1\n12345678",
    );
  });

  test("gives a privileged container everything", () => {
    const out = shell(
      runtime,
      "grep -E '^(CapEff|Seccomp:)' /proc/self/status; ls /dev; mount | grep ' on /sys type'; ls /sys/firmware",
      {
        hostConfig: { Privileged: true },
      },
    ).replaceAll("\n", " ");
    const own = /^CapEff:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    expect(out).toContain(`CapEff:\t${own}`);
    expect(out).toMatch(/Seccomp:\s*0/);
    expect(out).toContain("loop-control");
    expect(out).toMatch(/sysfs \(rw/);
    expect(out).toContain("acpi");
  });

  test("refuses system calls outside the profile", () => {
    const { code, err } = run(runtime, { args: ["/bin/busybox", "unshare", "-U", "true"] });
    expect(code).not.toBe(0);
    expect(err).toContain("Operation not permitted");
  });

  test.each([
    [["nosuch"], "/", "commandNotFound", 'exec: "nosuch": executable file not found in $PATH'],
    [["/nosuch"], "/", "commandNotFound", "no such file or directory"],
    [["/notexec"], "/", "commandNotExecutable", "permission denied"],
    [["/adir"], "/", "commandNotExecutable", "permission denied"],
    [["true"], "/notexec", "workingDirectoryFile", "not a directory"],
  ] as const)("reports %j in %s as %s", (args, cwd, code, text) => {
    const { log } = run(runtime, { args, cwd });
    const error = runtimeError(log, args[0]);
    expect(error.code).toBe(code);
    expect(error.kind).toBe("invalid");
    expect(error.message.toLowerCase()).toContain(text.toLowerCase());
  });

  test("runs further processes, and reports why one cannot be", () => {
    const id = `t${process.pid}-${serial++}`;
    const bundle = join(work, id);
    mkdirSync(bundle);
    const spec = specOf({ args: ["/bin/sleep", "100"] }, `${cgroupParent}/${id}`);
    writeFileSync(join(bundle, "config.json"), serializeSpec(spec));
    const executable = { name: "test", path: runtime, root: join(work, "state") };
    const files = { logFile: join(bundle, "log"), pidFile: join(bundle, "pid") };
    const call = (args: readonly string[]): number =>
      Bun.spawnSync([...args], { stdio: ["ignore", "ignore", "ignore"], timeout: 20_000 }).exitCode;
    expect(call(runArguments(executable, { id, bundle, ...files }))).toBe(0);
    try {
      const processFile = join(bundle, "process.json");
      const exec = (args: string[], cwd = "/"): number => {
        rmSync(files.logFile, { force: true });
        writeFileSync(processFile, serializeSpec({ ...spec.process, args, cwd }));
        return call(execArguments(executable, { containerId: id, processFile, ...files }));
      };
      expect(exec(["/bin/sh", "-c", "grep ^Cap /proc/self/status > /tmp/exec-status"])).toBe(0);
      for (const [args, cwd, code] of [
        [["nosuch"], "/", "commandNotFound"],
        [["/nosuch"], "/", "commandNotFound"],
        [["/notexec"], "/", "commandNotExecutable"],
        [["/adir"], "/", "commandNotExecutable"],
        [["true"], "/notexec", "workingDirectoryUnusable"],
        [["true"], "/nodir", "workingDirectoryUnusable"],
      ] as const) {
        expect(exec([...args], cwd)).not.toBe(0);
        const log = readFileSync(files.logFile, "utf8");
        expect([args, cwd, runtimeError(log, args[0], "exec").code, log]).toEqual([args, cwd, code, log]);
      }
    } finally {
      expect(call(deleteArguments(executable, id))).toBe(0);
    }
    expect(readFileSync(join(rootfs, "tmp/exec-status"), "utf8")).toMatch(
      /CapInh:\s0{16}[^]*CapBnd:\s00000000a80425fb/,
    );
  });
});
