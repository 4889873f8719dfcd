import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { targetIsDockerd, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

afterEach(async () => {
  // Docker's classic builder keeps the container of a failed step.
  if (!targetIsDockerd) expect(await daemon.ok("ps", "-aq")).toBe("");
});

/** `run --rm` words, the exit code, what the message must say. */
const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ["image that is not there", ["--pull", "never", "no-such-image:v9", "true"], 125, /No such image: no-such-image:v9/],
  ["bad reference", ["Upper:tag", "true"], 125, /invalid reference format/],
  ["memory below the minimum", ["-m", "1m", "busybox"], 125, /Minimum memory limit allowed is 6MB/],
  [
    "swap below memory",
    ["-m", "64m", "--memory-swap", "32m", "busybox"],
    125,
    /Minimum memoryswap limit should be larger than memory limit/,
  ],
  ["more cpus than there are", ["--cpus", "4096", "busybox"], 125, /[Rr]ange of CPUs is from 0\.01 to/],
  ["cpuset out of range", ["--cpuset-cpus", "900", "busybox"], 125, /Requested CPUs are not available/],
  ["cpuset nonsense", ["--cpuset-cpus", "x-y", "busybox"], 125, /[Ii]nvalid value x-y for cpuset cpus/],
  ["negative pids", ["--shm-size", "-1", "busybox"], 125, /invalid size|SHM size/],
  [
    "unknown user",
    ["-u", "nobody-here", "busybox", "true"],
    125,
    /unable to find user nobody-here: no matching entries in passwd file/,
  ],
  ["unknown group", ["-u", "0:no-group", "busybox", "true"], 125, /unable to find group no-group/],
  [
    "relative working directory",
    ["-w", "relative", "busybox", "true"],
    125,
    /[Tt]he working directory 'relative' is invalid, it needs to be an absolute path/,
  ],
  ["unknown network", ["--network", "no-such-network", "busybox", "true"], 125, /network no-such-network not found/],
  ["unknown container to join", ["--network", "container:nobody", "busybox", "true"], 125, /No such container: nobody/],
  ["unknown runtime", ["--runtime", "no-such-runtime", "busybox", "true"], 125, /no-such-runtime/],
  ["bad name", ["--name", "-bad-", "busybox", "true"], 125, /Invalid container name|only \[a-zA-Z0-9\]/],
  ["bad stop signal", ["--stop-signal", "SIGNOPE", "busybox", "true"], 125, /[Ii]nvalid signal: SIGNOPE/],
  ["bad sysctl", ["--sysctl", "kernel.not=1", "busybox", "true"], 125, /kernel\.not/],
  [
    "bad device mode",
    ["--device", "/dev/zero:/dev/z:q", "busybox", "true"],
    125,
    /bad mode specified: q|invalid device mode/,
  ],
  ["read-only file as command", ["busybox", "/etc/group"], 126, /permission denied/],
  ["command not found", ["busybox", "nothing-here"], 127, /executable file not found in \$PATH/],
];

describe("run refuses", () => {
  test.each(cases)("%s", async (_name, words, exitCode, text) => {
    const result = await daemon.cli(["run", "--rm", ...words]);
    expect(result.stderr).toMatch(text);
    expect(result.exitCode).toBe(exitCode);
  });
});

// Clients take not-found at create for a missing image and go to pull it.
test.skipIf(targetIsDockerd)("run says what is missing beside the image, and pulls nothing", async () => {
  for (const words of [
    ["--network", "container:nobody"],
    ["--pid", "container:nobody"],
    ["--ipc", "container:nobody"],
    ["--volumes-from", "nobody"],
    ["--network", "nobody"],
  ]) {
    const result = await daemon.cli(["run", "--rm", ...words, "busybox", "true"]);
    expect(result.stderr).toMatch(/No such container: nobody|network nobody not found/);
    expect(result.stderr).not.toContain("Unable to find image");
    expect(result.exitCode).toBe(125);
  }
});

test.skipIf(targetIsDockerd)(
  "a port in use is refused with who uses it: a container, or a process of the host",
  async () => {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    try {
      const taken = await daemon.cli(["run", "--rm", "-p", `127.0.0.1:${server.port}:80`, "busybox", "true"]);
      expect(taken.stderr).toMatch(new RegExp(`address already in use by process \\S+ \\(pid ${process.pid}\\)`));
      expect(taken.exitCode).toBe(125);
    } finally {
      server.stop(true);
    }
    await daemon.ok("run", "-d", "--name", "port-holder", "-p", "127.0.0.1::80", "busybox", "sleep", "1000");
    try {
      const port = (await daemon.ok("port", "port-holder", "80/tcp")).split(":").pop() ?? "";
      const container = await daemon.cli(["run", "--rm", "-p", `127.0.0.1:${port}:80`, "busybox", "true"]);
      expect(container.stderr).toMatch(/port is already allocated by container port-holder \([0-9a-f]{12}\)/);
      // The reason once, not twice.
      expect(container.stderr.match(/already allocated/g)?.length).toBe(1);
      expect(container.exitCode).toBe(125);
    } finally {
      await daemon.ok("rm", "-f", "port-holder");
    }
  },
);

describe("build refuses", () => {
  const build = async (dockerfile: string | undefined, ...words: string[]) => {
    const folder = join(daemon.directory, `context-${Math.random().toString(36).slice(2)}`);
    mkdirSync(folder);
    if (dockerfile !== undefined) writeFileSync(join(folder, "Dockerfile"), dockerfile);
    return daemon.cli(["build", ...words, folder]);
  };

  test.each([
    ["no Dockerfile", undefined, /Dockerfile/],
    ["an empty Dockerfile", "", /empty/],
    [
      "an unknown instruction",
      "FROM busybox\nRUM echo\n",
      targetIsDockerd ? /unknown instruction: RUM/ : /line 2.*unknown instruction: RUM/i,
    ],
    [
      "no FROM",
      "RUN echo\n",
      /no build stage in current context|must begin with FROM|[Pp]lease provide a source image/,
    ],
    ["an image that is not there", "FROM no-such-base:v1\n", /no-such-base/],
    ["a file that is not there", "FROM busybox\nCOPY absent /\n", /absent/],
    ["a file outside the context", "FROM busybox\nCOPY ../../etc/passwd /\n", /passwd/],
    ["a command that fails", "FROM busybox\nRUN exit 7\n", /returned a non-zero code: 7|exit code: 7/],
    ["an unknown stage", "FROM busybox\nCOPY --from=nowhere /a /b\n", /nowhere/],
    ["an unknown flag", "FROM busybox\nCOPY --colour=red a b\n", /[Uu]nknown flag: (--)?colour/],
    ["a bad EXPOSE", "FROM busybox\nEXPOSE lots\n", /lots/],
    ["ENV without a value", "FROM busybox\nENV\n", /ENV requires at least one argument|ENV must have/],
    ["a CMD in broken JSON is a shell line", 'FROM busybox\nRUN ["echo", "x"\n', /not found|syntax error|unexpected/],
  ])("%s", async (_name, dockerfile, text) => {
    const images = await daemon.ok("images", "-q");
    const result = await build(dockerfile, "-t", "never:v1");
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(text);
    expect((await daemon.cli(["image", "inspect", "never:v1"])).exitCode).toBe(1);
    expect(await daemon.ok("images", "-q")).toBe(images);
  });

  test("an unknown target", async () => {
    const result = await build("FROM busybox AS one\n", "--target", "two");
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(/two/);
  });

  test("the failing command's exit code is the client's", async () => {
    expect((await build("FROM busybox\nRUN exit 42\n")).exitCode).toBe(42);
  });
});

describe("other commands refuse", () => {
  test.each([
    [["start", "missing-one"], /No such container: missing-one/],
    [["stop", "missing-one"], /No such container: missing-one/],
    [["rm", "missing-one"], /No such container: missing-one/],
    [["logs", "missing-one"], /No such container: missing-one/],
    [["top", "missing-one"], /No such container: missing-one/],
    [["port", "missing-one"], /No such container: missing-one/],
    [["diff", "missing-one"], /No such container: missing-one/],
    [["update", "-m", "64m", "missing-one"], /No such container: missing-one/],
    [["stats", "--no-stream", "missing-one"], /No such container: missing-one/],
    [["cp", "missing-one:/a", "-"], /No such container: missing-one/],
    [["commit", "missing-one"], /No such container: missing-one/],
    [["rename", "missing-one", "x"], /No such container: missing-one/],
    [["wait", "missing-one"], /No such container: missing-one/],
    [["tag", "missing-image", "x:y"], /No such image: missing-image/],
    [["rmi", "missing-image"], /No such image: missing-image/],
    [["save", "-o", "/tmp/berth-never-written.tar", "missing-image"], /missing-image/],
    [["create", "--restart", "sometimes", "busybox"], /invalid restart policy|RestartPolicy/],
    [["history", "missing-image"], /No such image: missing-image/],
    [["volume", "rm", "missing-volume"], /no such volume/i],
    [["network", "rm", "missing-network"], /missing-network/],
    [["network", "inspect", "missing-network"], /missing-network/],
  ])("%p", async (words, text) => {
    const result = await daemon.cli(words);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(text);
  });
});
