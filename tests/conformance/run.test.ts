import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../engines/command.ts";
import { client, uniqueName, useDaemon } from "./daemon.ts";
import { openTerminal } from "./terminal.ts";

const daemon = useDaemon();

describe("run", () => {
  test("prints what the container prints and ends with its exit code", async () => {
    const result = await daemon.cli(["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect(result).toEqual({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
  });

  test.each([
    [["busybox", "true"], 0],
    [["busybox", "false"], 1],
    [["busybox", "sh", "-c", "exit 255"], 255],
    [["busybox", "/no/such/file"], 127],
    [["busybox", "no-such-command"], 127],
    [["busybox", "/etc/passwd"], 126],
    [["busybox", "/etc"], 126],
    [["--entrypoint", "/bin/nothing", "busybox"], 127],
  ])("%p exits with %i and leaves no container", async (words, exitCode) => {
    const name = uniqueName();
    const result = await daemon.cli(["run", "--rm", "--name", name, ...words]);
    expect(result.exitCode).toBe(exitCode);
    await eventually("the container to be removed", async () => {
      const names = await daemon.ok("ps", "-a", "--format", "{{.Names}}");
      return !names.split("\n").includes(name);
    });
  });

  test("a daemon error exits with 125", async () => {
    const result = await daemon.cli(["run", "--rm", "--memory", "1", "busybox", "true"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain("Minimum memory limit allowed is");
  });

  test("a command that cannot start leaves the container created, with code and error", async () => {
    const name = uniqueName();
    const result = await daemon.cli(["run", "--name", name, "busybox", "no-such-command"]);
    expect(result.exitCode).toBe(127);
    expect(result.stderr).toContain("executable file not found");
    const { State } = await daemon.inspect<{ State: { Status: string; ExitCode: number; Error: string } }>(name);
    expect(State.Status).toBe("created");
    expect(State.ExitCode).toBe(127);
    expect(State.Error).toContain("executable file not found");
    await daemon.ok("rm", name);
  });

  test("-d prints the full id and the container goes on", async () => {
    const name = uniqueName();
    const id = await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await daemon.ok("inspect", "-f", "{{.State.Running}} {{.Id}}", name)).toBe(`true ${id}`);
    await daemon.ok("rm", "-f", name);
  });

  test("-i passes standard input and its end", async () => {
    const result = await daemon.cli(["run", "--rm", "-i", "busybox", "cat"], { input: "one\ntwo" });
    expect(result).toEqual({ exitCode: 0, stdout: "one\ntwo", stderr: "" });
  });

  test("-i is byte-exact for 8 MB of binary data", async () => {
    const input = new Uint8Array(8 << 20).map((_, index) => (index * 2654435761) >>> 24);
    const digest = new Bun.CryptoHasher("sha256").update(input).digest("hex");
    const result = await daemon.cli(["run", "--rm", "-i", "busybox", "sha256sum"], { input });
    expect(result.stdout).toBe(`${digest}  -\n`);
    const name = join(daemon.directory, "binary");
    writeFileSync(name, input);
    const echoed = await Bun.$`${client} run --rm -i busybox cat < ${name} | sha256sum`
      .env({
        ...process.env,
        ...daemon.environment,
      })
      .quiet();
    expect(echoed.stdout.toString()).toBe(`${digest}  -\n`);
  }, 30_000);

  test("without -i standard input is empty", async () => {
    const result = await daemon.cli(["run", "--rm", "busybox", "cat"], { input: "unseen" });
    expect(result).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("-t gives a terminal on standard output only", async () => {
    const terminal = openTerminal(daemon, ["run", "--rm", "-it", "busybox", "sh"]);
    await terminal.shows("# ");
    terminal.type("tty; stty size\n");
    await terminal.shows("/dev/pts/0");
    await terminal.shows("33 100");
    terminal.resize(120, 40);
    await terminal.typesUntil("stty size\n", "40 120");
    terminal.type("exit 3\n");
    expect(await terminal.exited).toBe(3);
  });

  test("a shell on a terminal has job control and Ctrl-C", async () => {
    const terminal = openTerminal(daemon, ["run", "--rm", "-it", "busybox", "sh"]);
    await terminal.shows("# ");
    terminal.type("echo asleep-$((20+1)); sleep 1000\n");
    await terminal.shows("asleep-21");
    terminal.type("\u0003");
    terminal.type("echo after-$((40+2))\n");
    await terminal.shows("after-42");
    terminal.type("sleep 1000 & jobs\n");
    await terminal.shows(/\[1\].*sleep 1000/);
    expect(terminal.screen()).not.toContain("job control turned off");
    terminal.type("exit\n");
    expect(await terminal.exited).toBe(0);
  });

  test("Ctrl-P Ctrl-Q detaches and the container goes on", async () => {
    const name = uniqueName();
    const terminal = openTerminal(daemon, ["run", "-it", "--name", name, "busybox", "sh"]);
    await terminal.shows("# ");
    terminal.type("\u0010\u0011");
    expect(await terminal.exited).toBe(0);
    expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", name)).toBe("true");
    await daemon.ok("rm", "-f", name);
  });

  test("other detach keys are honoured", async () => {
    const name = uniqueName();
    const terminal = openTerminal(daemon, ["run", "-it", "--detach-keys", "ctrl-a,x", "--name", name, "busybox", "sh"]);
    await terminal.shows("# ");
    terminal.type("\u0001x");
    expect(await terminal.exited).toBe(0);
    await daemon.ok("rm", "-f", name);
  });

  test("signals are passed on", async () => {
    const name = uniqueName();
    const child = Bun.spawn(
      [
        client,
        "run",
        "--rm",
        "--name",
        name,
        "busybox",
        "sh",
        "-c",
        "trap 'exit 42' TERM; echo ready; while :; do sleep 0.1; done",
      ],
      { env: { ...process.env, ...daemon.environment }, stdout: "pipe", stderr: "ignore" },
    );
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(42);
  });

  test("sets environment, working directory, user and host name", async () => {
    writeFileSync(join(daemon.directory, "environment"), "FROM_FILE=yes\n# a comment\n");
    const output = await daemon.ok(
      "run", "--rm", "-e", "GREETING=hello world", "--env-file", join(daemon.directory, "environment"),
      "-w", "/var/www", "-u", "nobody", "-h", "ship", "busybox", "sh", "-c",
      'echo "$GREETING|$FROM_FILE|$(pwd)|$(id -un)|$(hostname)|$HOME|$PATH"',
    ); // prettier-ignore
    expect(output).toBe(
      "hello world|yes|/var/www|nobody|ship|/home|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    );
  });

  test.each([
    ["1234", "uid=1234 gid=0(root)"],
    ["1234:50", "uid=1234 gid=50(staff)"],
    ["daemon:staff", "uid=1(daemon) gid=50(staff)"],
  ])("-u %s", async (user, expected) => {
    expect(await daemon.ok("run", "--rm", "-u", user, "busybox", "id")).toStartWith(expected);
  });

  test("--group-add adds groups by name and number", async () => {
    const output = await daemon.ok(
      "run",
      "--rm",
      "-u",
      "1000",
      "--group-add",
      "staff",
      "--group-add",
      "777",
      "busybox",
      "id",
      "-G",
    );
    expect(output.split(" ").toSorted()).toEqual(["0", "50", "777"].toSorted());
  });

  test("a missing working directory is made", async () => {
    expect(await daemon.ok("run", "--rm", "-w", "/a/b/c", "busybox", "pwd")).toBe("/a/b/c");
  });

  test("--entrypoint replaces the command of the image", async () => {
    expect(await daemon.ok("run", "--rm", "--entrypoint", "echo", "busybox", "a", "b")).toBe("a b");
  });

  test("--cidfile holds the id", async () => {
    const file = join(daemon.directory, uniqueName("cid"));
    await daemon.ok("run", "--rm", "--cidfile", file, "busybox", "true");
    expect(readFileSync(file, "utf8")).toMatch(/^[0-9a-f]{64}$/);
  });

  test("--init runs the command below a small init", async () => {
    const result = await daemon.cli(["run", "--rm", "--init", "busybox", "sh", "-c", "echo $$; exit 5"]);
    if (result.stderr.includes("docker-init")) return; // the host has no init program to offer
    expect(result.exitCode).toBe(5);
    expect(result.stdout.trim()).not.toBe("1");
  });

  test("-a stderr attaches one stream only", async () => {
    const result = await daemon.cli(["run", "--rm", "-a", "stderr", "busybox", "sh", "-c", "echo out; echo err >&2"]);
    expect(result).toEqual({ exitCode: 0, stdout: "", stderr: "err\n" });
  });

  test("--rm removes anonymous volumes and keeps named ones", async () => {
    const volume = uniqueName("volume");
    const before = await daemon.ok("volume", "ls", "-q");
    await daemon.ok("run", "--rm", "-v", "/anonymous", "-v", `${volume}:/named`, "busybox", "true");
    const lines = async () => (await daemon.ok("volume", "ls", "-q")).split("\n").filter(Boolean);
    await eventually(
      "the anonymous volume to go",
      async () => (await lines()).length === before.split("\n").filter(Boolean).length + 1,
    );
    expect(await lines()).toContain(volume);
    await daemon.ok("volume", "rm", volume);
  });

  test("ten containers run at once", async () => {
    const outputs = await Promise.all(
      Array.from({ length: 10 }, (_, index) => daemon.ok("run", "--rm", "busybox", "echo", String(index))),
    );
    expect(outputs).toEqual(Array.from({ length: 10 }, (_, index) => String(index)));
  }, 30_000);

  test("the last output before the exit is never lost", async () => {
    for (let round = 0; round < 10; round += 1) {
      const output = await daemon.ok("run", "--rm", "busybox", "sh", "-c", "seq 1 2000; printf end");
      expect(output.endsWith("2000\nend")).toBe(true);
    }
  }, 30_000);

  test("--pid=host, --uts=host and --ipc=private are honoured", async () => {
    const name = await daemon.ok("run", "--rm", "--pid", "host", "busybox", "sh", "-c", "readlink /proc/self/ns/pid");
    expect(name).toBe(await Bun.$`readlink /proc/self/ns/pid`.text().then((text) => text.trim()));
    const uts = await daemon.ok("run", "--rm", "--uts", "host", "busybox", "readlink", "/proc/self/ns/uts");
    expect(uts).toBe(await Bun.$`readlink /proc/self/ns/uts`.text().then((text) => text.trim()));
    const ipc = await daemon.ok("run", "--rm", "busybox", "readlink", "/proc/self/ns/ipc");
    expect(ipc).not.toBe(await Bun.$`readlink /proc/self/ns/ipc`.text().then((text) => text.trim()));
  });

  test("--pid=container:X shares the namespace of processes", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "4321");
    expect(await daemon.ok("run", "--rm", "--pid", `container:${name}`, "busybox", "ps")).toContain("sleep 4321");
    await daemon.ok("rm", "-f", name);
  });
});
