import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mustRun, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/*
 * What a RUN sees of the options a build is given: limits, networks, names, devices, platforms.
 */
const specifications = `/tmp/berth-cdi-${process.pid}`;
const daemon = useDaemon({ flags: targetIsDockerd ? [] : ["--cdi-spec-dir", specifications] });

const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");

function context(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(daemon.directory, uniqueName("context"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, { mode: 0o755 });
  }
  return folder;
}

/** Builds one RUN through docker's classic client and returns what the step wrote to /seen. */
async function seen(command: string, ...options: string[]): Promise<string> {
  const tag = uniqueName("seen");
  await daemon.ok("build", "-t", tag, ...options, context({ Dockerfile: `FROM busybox\nRUN ${command}\n` }));
  return daemon.ok("run", "--rm", tag, "cat", "/seen");
}

const berth = (...words: string[]) =>
  runCommand([berthBinary, ...words], { environment: { BERTH_HOST: daemon.engine.host, DOCKER_HOST: "" } });

describe("limits of a build", () => {
  const megabyte = 1 << 20;

  test("--memory and --memory-swap hold for its steps", async () => {
    // On Berth the limit is the build's, one level above the step's group: hierarchical_memory_limit tells it.
    const limit = unified
      ? "cat /sys/fs/cgroup/memory.max; cat /sys/fs/cgroup/memory.swap.max"
      : "sed -n 's/^hierarchical_memory_limit //p; s/^hierarchical_memsw_limit //p' /sys/fs/cgroup/memory/memory.stat";
    const lines = await seen(`(${limit}) > /seen`, "--memory", "64m", "--memory-swap", "96m");
    // Without accounting of swap the kernel has but one line.
    expect(lines.split("\n")[0]).toBe(String(64 * megabyte));
    if (!unified && lines.includes("\n")) expect(lines.split("\n")[1]).toBe(String(96 * megabyte));
  });

  test("--cpuset-cpus: the step may run there alone", async () => {
    expect(await seen("sed -n 's/^Cpus_allowed_list:\\s*//p' /proc/self/status > /seen", "--cpuset-cpus", "0")).toBe(
      "0",
    );
  });

  test.skipIf(targetIsDockerd)("--cpus and --cpu-quota are the build's: its steps share one group", async () => {
    for (const options of [
      ["--cpus", "0.5"],
      ["--cpu-quota", "50000", "--cpu-period", "100000"],
    ]) {
      const marks = ["28", "27"].map((mark) => `${mark}${process.pid}`);
      const stages = marks.map((mark) => `FROM busybox AS s${mark}\nRUN sleep ${mark}; touch /done\n`).join("");
      const copies = marks.map((mark) => `COPY --from=s${mark} /done /done-${mark}\n`).join("");
      const folder = context({ Dockerfile: `${stages}FROM busybox\n${copies}` });
      const building = berth("build", "--no-cache", "-q", ...options, folder);
      const steps = await Promise.all(marks.map((mark) => stepProcess(`sleep ${mark}`)));
      const groups = steps.map((pid) => dirname(groupOf(pid, "cpu")));
      expect(new Set(groups).size).toBe(1);
      const [group = ""] = groups;
      const quota = unified
        ? readFileSync(join(group, "cpu.max"), "utf8")
        : `${readFileSync(join(group, "cpu.cfs_quota_us"), "utf8").trim()} ${readFileSync(join(group, "cpu.cfs_period_us"), "utf8")}`;
      expect(quota.trim()).toBe("50000 100000");
      for (const pid of steps) process.kill(pid, "SIGKILL");
      expect(await building).toMatchObject({ exitCode: 0 });
      expect(existsSync(group)).toBeFalse();
    }
  });

  test("a step that takes more memory than it may ends with 137, and the build says why", async () => {
    const folder = context({ Dockerfile: "FROM busybox\nRUN exec tail /dev/zero\n" });
    const limits = ["--memory", "32m", "--memory-swap", "32m"];
    const classic = await daemon.cli(["build", "-q", ...limits, folder]);
    expect(classic.exitCode).not.toBe(0);
    expect(classic.stderr).toContain("returned a non-zero code: 137");
    if (targetIsDockerd) return;
    expect(classic.stderr).toContain("it was killed for lack of memory");
    const { exitCode, stderr } = await berth("build", "-q", ...limits, folder);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("137");
    expect(stderr).toContain("it was killed for lack of memory");
    expect(stderr).toContain("--memory");
    // Without the limit's being the cause nothing is said of memory.
    const killed = await berth(
      "build",
      "-q",
      ...limits,
      context({ Dockerfile: "FROM busybox\nRUN sh -c 'kill -9 $$'; exit $?\n" }),
    );
    expect(killed.stderr).toContain("137");
    expect(killed.stderr).not.toContain("memory");
  });

  test("what makes no sense is refused before anything is run", async () => {
    for (const options of [
      ["--memory", "1m"],
      ["--memory", "64m", "--memory-swap", "32m"],
      ["--cpuset-cpus", "99"],
    ]) {
      const answer = await daemon.cli(["build", "-q", ...options, context({ Dockerfile: "FROM busybox\nRUN true\n" })]);
      expect({ options, exitCode: answer.exitCode }).toEqual({ options, exitCode: 1 });
    }
  });

  test("--shm-size", async () => {
    expect(await seen("df -k /dev/shm | awk 'NR==2 {print $2}' > /seen", "--shm-size", "3m")).toBe("3072");
  });

  test("--ulimit", async () => {
    const limits = await seen("(ulimit -Sn; ulimit -Hn; ulimit -c) > /seen", "--ulimit", "nofile=100:200", "--ulimit", "core=0"); // prettier-ignore
    expect(limits).toBe("100\n200\n0");
  });

  test("--cgroup-parent: the step's groups are below it", async () => {
    const parent = `/berth-build-parent-${process.pid}`;
    try {
      // The step's own view begins at its own group; its parents are seen from outside.
      const folder = context({ Dockerfile: `FROM busybox\nRUN sleep 29${process.pid}\n` });
      const building = daemon.cli(["build", "-q", "--cgroup-parent", parent, folder]);
      const step = await stepProcess(`sleep 29${process.pid}`);
      const groups = readFileSync(`/proc/${step}/cgroup`, "utf8").trim().split("\n");
      expect(groups.some((line) => (line.split(":")[2] ?? "").startsWith(`${parent}/`))).toBeTrue();
      process.kill(step, "SIGKILL");
      expect((await building).exitCode).not.toBe(0);
    } finally {
      const { stdout } = await runCommand(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*${parent}*`]);
      for (const group of stdout.split("\n").filter(Boolean)) await runCommand(["rmdir", group]);
    }
  });
});

/** The directory of a process's control group, of one controller on v1. */
function groupOf(pid: number, controller: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  if (unified) return join("/sys/fs/cgroup", lines[0]?.slice(3) ?? "");
  const line = lines.find((candidate) => candidate.split(":")[1]?.split(",").includes(controller));
  return join("/sys/fs/cgroup", controller, line?.split(":")[2] ?? "");
}

/** The process of a step by its command, once it runs. */
async function stepProcess(command: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const look = () => {
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        if (readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ").trim() === command) {
          resolve(Number(entry));
          return;
        }
      } catch {
        // Ended while we looked.
      }
    }
    setTimeout(look, 20);
  };
  look();
  return promise;
}

describe("names and networks", () => {
  test("--add-host, of both families and by both signs", async () => {
    const hosts = await seen("cat /etc/hosts > /seen", "--add-host", "one:10.1.2.3", "--add-host", "six:fd00::7");
    expect(hosts).toMatch(/^10\.1\.2\.3\s+one$/m);
    expect(hosts).toMatch(/^fd00::7\s+six$/m);
  });

  test("--network of a network of one's own: its subnet, and its containers by name", async () => {
    const network = uniqueName("net");
    await daemon.ok("network", "create", "--subnet", "10.91.7.0/24", network);
    await daemon.ok("run", "-d", "--name", "answering", "--network", network, "busybox", "sleep", "1000");
    try {
      const address = "ip -4 -o addr show scope global | awk '{print $4}'";
      const lines = await seen(
        `(${address}; getent hosts answering || nslookup answering) > /seen`,
        "--network",
        network,
      );
      expect(lines).toMatch(/^10\.91\.7\.\d+\/24$/m);
      expect(lines).toContain("10.91.7.2");
    } finally {
      await daemon.ok("rm", "-f", "answering");
      await daemon.ok("network", "rm", network);
    }
  });

  test("--network container:NAME is that container's", async () => {
    await daemon.ok(
      "run",
      "-d",
      "--name",
      "lending",
      "--network",
      "none",
      "--hostname",
      "lent",
      "busybox",
      "sleep",
      "1000",
    );
    try {
      expect(await seen("ls /sys/class/net > /seen", "--network", "container:lending")).toBe("lo");
    } finally {
      await daemon.ok("rm", "-f", "lending");
    }
  });

  test("a network that is not there is refused", async () => {
    const answer = await daemon.cli([
      "build",
      "-q",
      "--network",
      "no-such",
      context({ Dockerfile: "FROM busybox\nRUN true\n" }),
    ]);
    expect(answer.exitCode).not.toBe(0);
    expect(answer.stderr).toContain("no-such");
  });
});

// CDI in builds is of BuildKit 0.20.
describe.skipIf(targetIsDockerd)("RUN --device", () => {
  beforeAll(() => {
    mkdirSync(specifications, { recursive: true });
    writeFileSync(join(specifications, "library"), "of the host");
    writeFileSync(
      join(specifications, "berth.json"),
      JSON.stringify({
        cdiVersion: "0.6.0",
        kind: "example.com/berth",
        containerEdits: { env: ["SHARED=yes"] },
        devices: [
          {
            name: "zero",
            containerEdits: {
              env: ["DEVICE=zero"],
              deviceNodes: [{ path: "/dev/my-zero", hostPath: "/dev/zero", permissions: "r" }],
              mounts: [
                { hostPath: join(specifications, "library"), containerPath: "/library", options: ["ro", "bind"] },
              ],
            },
          },
        ],
      }),
    );
  });
  afterAll(() => mustRun(["rm", "-r", specifications]));

  const step = (device: string, command: string) =>
    context({ Dockerfile: `FROM busybox\nRUN --device=${device} ${command}\n` });

  test("brings its nodes, variables and mounts, for that step alone", async () => {
    const folder = context({
      Dockerfile: [
        "FROM busybox",
        "RUN --device=example.com/berth=zero echo $SHARED $DEVICE > /seen; cat /library >> /seen; head -c 4 /dev/my-zero | wc -c >> /seen",
        "RUN echo $SHARED $DEVICE > /after; ls /library /dev/my-zero >> /after 2>&1 || true",
      ].join("\n"),
    });
    expect(await berth("build", "-q", "-t", "device", "--allow", "device", folder)).toMatchObject({ exitCode: 0 });
    expect(await daemon.ok("run", "--rm", "device", "cat", "/seen")).toBe("yes zero\nof the host4");
    expect(await daemon.ok("run", "--rm", "device", "head", "-n", "1", "/after")).toBe("");
    // Nothing of the mount stays in the layer.
    const library = await daemon.cli(["run", "--rm", "device", "ls", "/library"]);
    expect(library.stderr).toContain("No such file");
  });

  test("one that is required and unknown, or not allowed, is named", async () => {
    const unknown = await berth("build", "-q", "--allow", "device", step("example.com/berth=none,required", "true"));
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.stderr).toContain("example.com/berth=none");
    const forbidden = await berth("build", "-q", step("example.com/berth=zero,required", "true"));
    expect(forbidden.stderr).toContain("device is not allowed");
  });

  test("one that is not required is left out where it is not there", async () => {
    expect(await berth("build", "-q", "--allow", "device", step("example.com/berth=none", "true"))).toMatchObject({
      exitCode: 0,
    });
  });
});

/** A program for arm64 that prints uname's machine: uname(2), write(2), exit(2), in 48 bytes of code. */
const armProgram = Buffer.from(
  [
    "7f454c46020101000000000000000000", "0200b700010000007800400000000000", "40000000000000000000000000000000",
    "00000000400038000100000000000000", "01000000050000000000000000000000", "00004000000000000000400000000000",
    "a800000000000000a800000000000000", "0000010000000000ff0308d1e0030091", "081480d2010000d4200080d2e1130491",
    "e20080d2080880d2010000d4000080d2", "a80b80d2010000d4",
  ].join(""),
  "hex",
); // prettier-ignore

describe.skipIf(targetIsDockerd)("steps of another platform", () => {
  const emulator = "/usr/bin/qemu-aarch64-static";
  const directory = "/proc/sys/fs/binfmt_misc";
  const name = `berth-test-${process.pid}-aarch64`;
  const isForeign = process.arch === "x64";
  const canEmulate =
    isForeign && existsSync(emulator) && readFileSync("/proc/filesystems", "utf8").includes("binfmt_misc");
  if (!canEmulate) console.log("emulated steps skipped: they need an amd64 machine, qemu-user-static and binfmt_misc");
  let wasMounted = true;

  beforeAll(async () => {
    if (!canEmulate) return;
    wasMounted = existsSync(join(directory, "register"));
    if (!wasMounted) await mustRun(["mount", "-t", "binfmt_misc", "binfmt_misc", directory]);
    // binfmt_misc.rst: magic and mask of a 64-bit ELF for EM_AARCH64; F opens the emulator here and now.
    const magic = "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00";
    const mask = `${"\\xff".repeat(7)}\\x00${"\\xff".repeat(8)}\\xfe\\xff\\xff\\xff`;
    writeFileSync(join(directory, "register"), `:${name}:M::${magic}:${mask}:${emulator}:F`);
  });
  afterAll(async () => {
    if (!canEmulate) return;
    writeFileSync(join(directory, name), "-1");
    if (!wasMounted) await mustRun(["umount", directory]);
  });

  const project = () => {
    const folder = context({
      Dockerfile:
        'FROM scratch\nARG TARGETARCH\nCOPY bin/$TARGETARCH/uname /bin/uname\nRUN ["/bin/uname", "-m"]\nENV FOR=$TARGETARCH\n',
      "bin/arm64/uname": armProgram,
      "bin/amd64/x": "",
    });
    copyFileSync("/bin/busybox", join(folder, "bin/amd64/uname"));
    chmodSync(join(folder, "bin/amd64/uname"), 0o755);
    return folder;
  };

  test.skipIf(!canEmulate)("run by an emulator that binfmt_misc knows, and make an index of both", async () => {
    const folder = project();
    const layout = join(daemon.directory, "layout");
    const output = `type=oci,dest=${layout},tar=false`;
    const { exitCode, stderr } = await berth("build", "--progress", "plain", "--platform", "linux/amd64,linux/arm64", "-o", output, folder); // prettier-ignore
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain("aarch64");
    expect(stderr).toContain("x86_64");
    const blob = (digest: string) => readFileSync(join(layout, "blobs", ...digest.split(":")), "utf8");
    const read = (digest: string) => JSON.parse(blob(digest)) as Record<string, never>;
    const [top] = (JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: Descriptor[] })
      .manifests;
    const { manifests } = read(top?.digest ?? "") as unknown as { manifests: Descriptor[] };
    expect(manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`)).toEqual([
      "linux/amd64",
      "linux/arm64",
    ]);
    for (const { digest, platform } of manifests) {
      const { config } = read(digest) as unknown as { config: Descriptor };
      const image = read(config.digest) as unknown as { architecture: string; config: { Env: string[] } };
      expect(image.architecture).toBe(platform?.architecture ?? "");
      expect(image.config.Env).toContain(`FOR=${platform?.architecture}`);
    }
  });

  test.skipIf(!canEmulate)("make an image of that platform in the store, which runs", async () => {
    expect(await berth("build", "-q", "-t", "foreign", "--platform", "linux/arm64", project())).toMatchObject({
      exitCode: 0,
    });
    expect(await daemon.ok("image", "inspect", "-f", "{{.Os}}/{{.Architecture}}", "foreign")).toBe("linux/arm64");
    expect((await berth("run", "--rm", "--platform", "linux/arm64", "foreign", "/bin/uname")).stdout).toContain(
      "aarch64",
    );
    await daemon.ok("rmi", "foreign");
  });

  test("without an emulator are refused by name, before they start", async () => {
    const folder = context({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /d\nRUN ["/d"]\n' });
    const { exitCode, stderr } = await berth("build", "-q", "--platform", "linux/ia64", folder);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("linux/ia64");
    expect(stderr).toContain("binfmt");
    // What needs no program of that platform is built.
    expect(await berth("build", "-q", "--platform", "linux/ia64", "-o", "type=cacheonly", context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /d\n" }))).toMatchObject({ exitCode: 0 }); // prettier-ignore
  });
});

type Descriptor = {
  readonly digest: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
};
