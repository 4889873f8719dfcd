import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, mustRun } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);
const refusal = async (...words: string[]) => {
  const result = await daemon.cli(words);
  expect(result.exitCode).not.toBe(0);
  return result.stderr;
};
type Created = { Id: string; Warnings: string[]; message: string };
/** Creates by the API, which takes what the command would not send. */
const create = async (HostConfig: object, Config: object = {}) => {
  const answer = await daemon.api("POST", "/v1.41/containers/create", { Image: "busybox", ...Config, HostConfig });
  const body = answer.json<Created>();
  if (answer.status === 201) await daemon.ok("rm", body.Id);
  return { status: answer.status, ...body };
};

describe("refused at create", () => {
  test.each([
    // 20.10 takes any word for a mode.
    ...(targetIsDockerd
      ? []
      : (["IPC", "PID", "UTS"] as const).map((kind): [object, RegExp] => [
          { [kind === "UTS" ? "UTSMode" : kind === "IPC" ? "IpcMode" : "PidMode"]: "sideways" },
          new RegExp(`invalid ${kind} mode: sideways`, "i"),
        ])),
    [{ OomScoreAdj: 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
    [{ ShmSize: -1 }, "SHM size can not be less than 0"],
    [{ Memory: 1024 }, "Minimum memory limit allowed is 6MB"],
    [{ MemorySwappiness: 101 }, "valid memory swappiness range is 0-100"],
    [{ NanoCpus: 1e9, CpuQuota: 5000 }, "Nano CPUs and CPU Quota cannot both be set"],
    [{ IOMaximumIOps: 5 }, /invalid QoS settings: linux does not support configuration of maximum IOPs/i],
    [{ CpuRealtimeRuntime: 5000, CpuRealtimePeriod: 1000 }, /real-time/i],
    [{ Runtime: "no-such-runtime" }, /unknown( or invalid)? runtime/i],
    [{ LogConfig: { Type: "json-file", Config: { nope: "1" } } }, "unknown log opt 'nope'"],
    [{ StorageOpt: { sighs: "1" } }, "Unknown option sighs"],
    [{ Isolation: "hyperv" }, /invalid isolation/i],
    [{ Tmpfs: { "/": "" } }, "destination can't be '/'"],
    [{ CapAdd: ["SUPER"] }, /unknown capability: "CAP_SUPER"/i],
    [{ RestartPolicy: { Name: "sometimes" } }, /invalid restart policy/],
    // 20.10 takes any word for this mode, too.
    ...(targetIsDockerd
      ? []
      : ([[{ CgroupnsMode: "sideways" }, "invalid cgroup namespace mode: sideways"]] as [object, string][])),
    [
      { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } },
      /maximum retry count can(not be used|.* only be used)/i,
    ],
  ] as [object, string | RegExp][])("%j", async (hostConfig, sentence) => {
    const answer = await create(hostConfig);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    if (typeof sentence === "string") expect(answer.message).toContain(sentence);
    else expect(answer.message).toMatch(sentence);
  });
});

describe("warnings", () => {
  test("of what is dropped, in Docker's words", async () => {
    const percent = await create({ CpuPercent: 50 });
    expect(percent.Warnings).toContain("linux does not support CPU percent. Percent discarded.");
    const killer = await create({ OomKillDisable: true });
    expect(killer.Warnings.join()).toMatch(
      /OomKillDisable discarded|OOM killer is disabled for the container, but no memory limit/,
    );
  });
});

describe("block I/O weights", () => {
  test("are in force, or dropped with a warning", async () => {
    const { Warnings } = await create({ BlkioWeight: 300 });
    const result = await daemon.cli([
      "run", "--rm", "--blkio-weight", "300", "busybox", "sh", "-c",
      "cat /sys/fs/cgroup/blkio/blkio.weight /sys/fs/cgroup/blkio/blkio.bfq.weight /sys/fs/cgroup/io.bfq.weight 2>/dev/null; true",
    ]); // prettier-ignore
    expect(result.exitCode).toBe(0);
    const isDropped = Warnings.some((warning) => warning.includes("Block I/O weight or the cgroup is not mounted"));
    if (isDropped) expect(result.stdout).not.toContain("300");
    else expect(result.stdout).toContain("300");
  });
});

describe("devices", () => {
  test("a directory of devices, with their access", async () => {
    const output = await run(
      "--device",
      "/dev/net:/dev/mynet:rw",
      "busybox",
      "stat",
      "-c",
      "%F %t:%T",
      "/dev/mynet/tun",
    );
    expect(output).toBe("character special file a:c8");
  });

  test("rules open further devices", async () => {
    const read = ["busybox", "sh", "-c", "mknod /kmsg c 1 11 && head -c 1 /kmsg >/dev/null && echo read"];
    expect((await daemon.cli(["run", "--rm", ...read])).stderr).toContain("Operation not permitted");
    expect(await run("--cap-add", "SYSLOG", "--device-cgroup-rule", "c 1:11 rmw", ...read)).toBe("read");
    expect(await refusal("run", "--rm", "--device-cgroup-rule", "c one:two x", "busybox", "true")).toContain(
      "invalid device cgroup",
    );
  });

  // Docker's own daemon gives a privileged container capabilities that this host may lack.
  test.skipIf(targetIsDockerd)("a privileged container has all, and those it asks for under other names", async () => {
    const output = await run(
      "--privileged",
      "--device",
      "/dev/null:/dev/my-null",
      "busybox",
      "stat",
      "-c",
      "%t:%T",
      "/dev/my-null",
      "/dev/loop-control",
    );
    expect(output).toBe("1:3\na:ed");
  });

  test("one that is not there, and no GPU", async () => {
    const missing = await refusal("run", "--rm", "--device", "/dev/no-such", "busybox", "true");
    expect(missing).toContain('error gathering device information while adding custom device "/dev/no-such"');
    const name = uniqueName();
    const gpu = await refusal("run", "--name", name, "--gpus", "all", "busybox", "true");
    expect(gpu).toContain('could not select device driver "" with capabilities: [[gpu]]');
    expect(await daemon.ok("inspect", "-f", "{{.State.Status}}", name)).toBe("created");
    await daemon.ok("rm", name);
  });
});

describe.skipIf(targetIsDockerd)("CDI devices", () => {
  // Docker 25.
  const specification = "/etc/cdi/berth-test.yaml";
  const hadDirectory = existsSync("/etc/cdi");
  beforeAll(() => {
    mkdirSync("/etc/cdi", { recursive: true });
    writeFileSync(join(daemon.directory, "library"), "of the host");
    writeFileSync(
      specification,
      `cdiVersion: "0.6.0"
kind: example.com/berth
containerEdits:
  env: ["SHARED=yes"]
devices:
  - name: zero
    containerEdits:
      env: ["DEVICE=zero"]
      deviceNodes:
        - {path: /dev/my-loop, hostPath: /dev/loop-control, permissions: r}
      mounts:
        - {hostPath: ${join(daemon.directory, "library")}, containerPath: /library, options: [ro, bind]}
`,
    );
  });
  // The specifications that programs write at boot are JSON, and lie here.
  const written = `/var/run/cdi/berth-test-${process.pid}.json`;
  const hadRunDirectory = existsSync("/var/run/cdi");
  const hookSaid = () => join(daemon.directory, "hook-said");
  beforeAll(() => {
    mkdirSync("/var/run/cdi", { recursive: true });
    const said = { path: "/bin/sh", args: ["sh", "-c", `cat > '${hookSaid()}'`] };
    const edits = {
      env: ["HOOKED=yes"],
      deviceNodes: [{ path: "/dev/my-null", hostPath: "/dev/null" }],
      hooks: [{ hookName: "createRuntime", ...said }],
    };
    const document = {
      cdiVersion: "0.6.0",
      kind: `example.com/hooked-${process.pid}`,
      devices: [{ name: "one", containerEdits: edits }],
    };
    writeFileSync(written, JSON.stringify(document));
  });
  afterAll(async () => {
    await mustRun(["rm", specification, written]);
    if (!hadDirectory) await mustRun(["rmdir", "/etc/cdi"]);
    if (!hadRunDirectory) await mustRun(["rmdir", "/var/run/cdi"]);
  });

  test("of JSON files of this boot run their hooks on the host, who are told the container", async () => {
    const name = uniqueName();
    const device = `example.com/hooked-${process.pid}=one`;
    const words = [
      "run",
      "--name",
      name,
      "--device",
      device,
      "busybox",
      "sh",
      "-c",
      "echo $HOOKED; echo x > /dev/my-null && echo written",
    ];
    expect(await daemon.ok(...words)).toBe("yes\nwritten");
    const state = JSON.parse(readFileSync(hookSaid(), "utf8")) as { id: string; status: string };
    expect(await daemon.ok("inspect", "-f", "{{.Id}}", name)).toBe(state.id);
    expect(state.status).toMatch(/^creat(ing|ed)$/);
    await daemon.ok("rm", name);
  });

  test("bring their nodes, variables and mounts", async () => {
    const output = await run(
      "--device", "example.com/berth=zero", "busybox", "sh", "-c",
      "echo $SHARED $DEVICE; cat /library; echo; (: </dev/my-loop) && echo open; (: >/dev/my-loop) 2>/dev/null || echo closed",
    ); // prettier-ignore
    expect(output.split("\n").map((line) => line.trim())).toEqual(["yes zero", "of the host", "open", "closed"]);
  });

  test("that no file describes are named", async () => {
    const answer = await refusal("run", "--rm", "--device", "example.com/berth=nope", "busybox", "true");
    expect(answer).toContain("CDI device injection failed: unresolvable CDI devices example.com/berth=nope");
  });
});

describe("namespaces", () => {
  test("--pid container:X and host, --uts host, --ipc none", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1234");
    expect(await run("--pid", `container:${name}`, "busybox", "ps", "-o", "args")).toContain("sleep 1234");
    expect(await refusal("run", "--rm", "--ipc", `container:${name}`, "busybox", "true")).toContain(
      "non-shareable IPC",
    );
    expect(await run("--pid", "host", "busybox", "sh", "-c", "readlink /proc/self/ns/pid")).toBe(
      await mustRun(["readlink", "-n", "/proc/self/ns/pid"]),
    );
    expect(await run("--uts", "host", "busybox", "hostname")).toBe((await mustRun(["hostname"])).trim());
    expect(await run("--ipc", "none", "busybox", "sh", "-c", "grep -c /dev/shm /proc/mounts; true")).toBe("0");
    expect(await run("--cgroupns", "private", "busybox", "readlink", "/proc/self/ns/cgroup")).not.toBe(
      await mustRun(["readlink", "-n", "/proc/self/ns/cgroup"]),
    );
    expect(await run("--userns", "host", "busybox", "readlink", "/proc/self/ns/user")).toBe(
      await mustRun(["readlink", "-n", "/proc/self/ns/user"]),
    );
    await daemon.ok("rm", "-f", name);
  });

  test("the container that is joined is remembered by its id", async () => {
    const [name, joined] = [uniqueName(), uniqueName()];
    const id = await daemon.ok("create", "--name", name, "busybox");
    await daemon.ok("create", "--name", joined, "--pid", `container:${name}`, "--ipc", `container:${name}`, "busybox");
    expect(await daemon.ok("inspect", "-f", "{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}", joined)).toBe(
      `container:${id} container:${id}`,
    );
    await daemon.ok("rm", name, joined);
  });

  test("sysctls of namespaces, and no others", async () => {
    const values = await run(
      "--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=4096", "busybox", "cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax",
    ); // prettier-ignore
    expect(values).toBe("1\n4096");
    expect(await refusal("run", "--rm", "--sysctl", "kernel.panic=1", "busybox", "true")).toMatch(
      /not allowed|not in a separate/,
    );
    expect(
      await refusal("run", "--rm", "--network", "host", "--sysctl", "net.ipv4.ip_forward=1", "busybox", "true"),
    ).toContain("not allowed in");
    expect(await run("busybox", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")).toBe("0");
  });

  test("--hostname, --domainname", async () => {
    expect(
      await run(
        "-h",
        "box",
        "--domainname",
        "example.org",
        "busybox",
        "sh",
        "-c",
        "hostname; dnsdomainname; cat /proc/sys/kernel/domainname",
      ),
    ).toBe("box\nexample.org\nexample.org");
  });
});

describe("processes", () => {
  test("--init reaps and passes signals on", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "--init", "busybox", "sh", "-c", "(sleep 0.1 &); exec sleep 1000");
    expect(await daemon.ok("exec", name, "cat", "/proc/1/comm")).toMatch(/init|tini|catatonit/);
    await eventually(
      "the orphan to be reaped",
      async () => !(await daemon.ok("exec", name, "ps", "-o", "stat")).includes("Z"),
    );
    await daemon.ok("stop", "-t", "20", name);
    // Of SIGTERM: what has no handler for it dies of it, unless it is the first process.
    expect(await daemon.ok("inspect", "-f", "{{.State.ExitCode}}", name)).toBe("143");
    await daemon.ok("rm", name);
  });

  test("--group-add by name and number; --oom-score-adj; --ulimit", async () => {
    expect(await run("--group-add", "staff", "--group-add", "777", "busybox", "id", "-G")).toBe("0 50 777");
    expect(await run("--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj")).toBe("500");
    expect(await run("--ulimit", "nofile=100:200", "busybox", "sh", "-c", "ulimit -Sn; ulimit -Hn")).toBe("100\n200");
  });

  test("--security-opt systempaths=unconfined uncovers, a seccomp file filters", async () => {
    expect(await run("busybox", "sh", "-c", "head -c 1 /proc/kcore | wc -c")).toBe("0");
    expect(
      await run(
        "--security-opt",
        "systempaths=unconfined",
        "busybox",
        "sh",
        "-c",
        "grep -c ' /proc/' /proc/mounts; true",
      ),
    ).toBe("0");
    const profile = join(daemon.directory, "seccomp.json");
    writeFileSync(
      profile,
      JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
      }),
    );
    const result = await daemon.cli(["run", "--rm", "--security-opt", `seccomp=${profile}`, "busybox", "mkdir", "/x"]);
    expect(result.stderr).toContain("Operation not permitted");
    expect(await refusal("create", "--security-opt", "seccomp={", "busybox")).toMatch(/seccomp/);
  });

  test("a health check with a start interval is healthy long before its interval", async () => {
    const name = uniqueName();
    const interval = targetIsDockerd
      ? ["--health-interval", "300ms"]
      : ["--health-interval", "1h", "--health-start-period", "1h", "--health-start-interval", "200ms"];
    await daemon.ok(
      "run",
      "-d",
      "--name",
      name,
      "--health-cmd",
      "test -e /ready",
      ...interval,
      "busybox",
      "sh",
      "-c",
      "sleep 0.5; touch /ready; sleep 60",
    );
    await eventually(
      "health",
      async () => (await daemon.ok("inspect", "-f", "{{.State.Health.Status}}", name)) === "healthy",
    );
    await daemon.ok("rm", "-f", name);
  });
});

describe("root file systems", () => {
  test("--storage-opt is refused where there are no quotas", async () => {
    const before = await daemon.ok("ps", "-aq");
    const answer = await refusal("create", "--storage-opt", "size=10m", "busybox");
    expect(answer).toContain("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
    expect(await daemon.ok("ps", "-aq")).toBe(before);
  });

  test("--cgroup-parent puts the group where it is wanted", async () => {
    const [name, parent] = [uniqueName(), `/conformance-${process.pid}`];
    await daemon.ok("run", "-d", "--name", name, "--cgroup-parent", parent, "busybox", "sleep", "60");
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`:${parent}/`);
    await daemon.ok("rm", "-f", name);
    const groups = await mustRun(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-name", parent.slice(1)]);
    for (const group of groups.split("\n").filter(Boolean))
      if (statSync(group).isDirectory()) await mustRun(["rmdir", group]);
  });

  test("a --cgroup-parent that leads out of the hierarchy stays in it", async () => {
    const parent = `conformance-out-${process.pid}`;
    const groups = await run("--cgroup-parent", `../../../tmp/${parent}`, "busybox", "cat", "/proc/self/cgroup");
    expect(groups).toContain(`/tmp/${parent}/`);
    expect(existsSync(`/tmp/${parent}`)).toBe(false);
    const left = await mustRun(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/tmp/${parent}`]);
    for (const group of left.split("\n").filter(Boolean)) await mustRun(["rmdir", group]);
    const above = await mustRun(["find", "/sys/fs/cgroup", "-maxdepth", "2", "-type", "d", "-name", "tmp"]);
    for (const group of above.split("\n").filter(Boolean)) await mustRun(["rmdir", group]);
  });

  test("annotations are kept", async () => {
    if (targetIsDockerd) return; // Docker 24
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "--annotation", "org.example.note=1", "busybox");
    expect(await daemon.ok("inspect", "-f", '{{index .HostConfig.Annotations "org.example.note"}}', name)).toBe("1");
    await daemon.ok("rm", name);
  });
});
