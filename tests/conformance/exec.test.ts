import { beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";
import { openTerminal } from "./terminal.ts";

const daemon = useDaemon();
const box = uniqueName("box");

beforeAll(async () => {
  await daemon.ok(
    "run",
    "-d",
    "--name",
    box,
    "-e",
    "FROM_CONTAINER=yes",
    "-w",
    "/var",
    "busybox",
    "sh",
    "-c",
    "while :; do sleep 10000; done",
  );
});

describe("exec", () => {
  test("runs a command and ends with its code, streams apart", async () => {
    const result = await daemon.cli(["exec", box, "sh", "-c", "echo out; echo err >&2; exit 5"]);
    expect(result).toEqual({ exitCode: 5, stdout: "out\n", stderr: "err\n" });
  });

  test.each([
    [["no-such-command"], 127, "executable file not found"],
    [["/no/such"], 127, "no such file or directory"],
    [["/etc/passwd"], 126, "permission denied"],
  ])("%p exits with %i", async (command, exitCode, text) => {
    const result = await daemon.cli(["exec", box, ...command]);
    expect(result.exitCode).toBe(targetIsDockerd ? 126 : exitCode); // 20.10 knew only 126
    expect(result.stdout + result.stderr).toContain(text);
  });

  test("-i passes standard input", async () => {
    expect((await daemon.cli(["exec", "-i", box, "wc", "-c"], { input: "x".repeat(100_000) })).stdout.trim()).toBe(
      "100000",
    );
  });

  test("without -i output is not cut when the client closes its side", async () => {
    const result = await daemon.cli(["exec", box, "sh", "-c", "sleep 0.3; seq 1 5000"]);
    expect(result.stdout.trim().split("\n").length).toBe(5000);
  });

  test("-e, -w, -u", async () => {
    const output = await daemon.ok(
      "exec", "-e", "MINE=1", "-w", "/tmp", "-u", "nobody", box, "sh", "-c", "echo $MINE $FROM_CONTAINER $(pwd) $(id -un) $HOME",
    ); // prettier-ignore
    expect(output).toBe("1 yes /tmp nobody /home");
    expect(await daemon.ok("exec", box, "pwd")).toBe("/var");
    expect(await daemon.ok("exec", "-u", "7:8", box, "id")).toStartWith("uid=7 gid=8");
  });

  test("an unknown user is an error", async () => {
    const result = await daemon.cli(["exec", "-u", "who", box, "id"]);
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout + result.stderr).toContain("unable to find user who");
  });

  test("-it gives a terminal of the client's size", async () => {
    const terminal = openTerminal(daemon, ["exec", "-it", box, "sh"]);
    await terminal.shows("# ");
    terminal.type("stty size; echo $TERM; tty\n");
    await terminal.shows("33 100");
    await terminal.shows("xterm");
    terminal.resize(77, 22);
    await terminal.typesUntil("stty size\n", "22 77");
    terminal.type("exit 9\n");
    expect(await terminal.exited).toBe(9);
  });

  test("-it detaches with Ctrl-P Ctrl-Q", async () => {
    const terminal = openTerminal(daemon, ["exec", "-it", box, "sh", "-c", "echo begun; sleep 3333"]);
    await terminal.shows("begun");
    terminal.type("\u0010\u0011");
    await terminal.exited;
    expect(await daemon.ok("exec", box, "ps")).toContain("sleep 3333");
    await daemon.ok("exec", box, "killall", "sleep");
  });

  test("-d returns at once and the process runs", async () => {
    const script = "touch /begun; until [ -e /go ]; do usleep 10000; done; touch /done";
    expect(await daemon.ok("exec", "-d", box, "sh", "-c", script)).toBe("");
    await daemon.ok("exec", box, "touch", "/go");
    await eventually("the file", async () => (await daemon.cli(["exec", box, "test", "-e", "/done"])).exitCode === 0);
  });

  // runc wants capabilities this host may not have; an engine must clamp them.
  test.if(!targetIsDockerd)("--privileged gives all capabilities to that process alone", async () => {
    const mask = async (...words: string[]) =>
      BigInt(
        `0x${(await daemon.ok("exec", ...words, box, "grep", "CapEff", "/proc/self/status")).split(/\s+/)[1] ?? ""}`,
      );
    const plain = await mask();
    const privileged = await mask("--privileged");
    expect(plain).toBe(0xa80425fbn);
    expect(privileged & ~plain).not.toBe(0n);
    expect((privileged >> 21n) & 1n).toBe(1n); // CAP_SYS_ADMIN
  });

  test("a user other than root has no effective capabilities", async () => {
    expect(await daemon.ok("exec", "-u", "1000", box, "grep", "CapEff", "/proc/self/status")).toEndWith(
      "0000000000000000",
    );
  });

  test("joins the container's control groups and namespaces", async () => {
    const own = await daemon.ok(
      "exec",
      box,
      "sh",
      "-c",
      "readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/pid; cat /proc/self/cgroup",
    );
    const init = await daemon.ok(
      "exec",
      box,
      "sh",
      "-c",
      "readlink /proc/1/ns/net /proc/1/ns/mnt /proc/1/ns/pid; cat /proc/1/cgroup",
    );
    expect(own).toBe(init);
  });

  test("ten at once", async () => {
    const outputs = await Promise.all(
      Array.from({ length: 10 }, (_, index) => daemon.ok("exec", box, "echo", String(index))),
    );
    expect(outputs.map(Number)).toEqual(Array.from({ length: 10 }, (_, index) => index));
  });

  test("in a container that is missing or stopped is an error", async () => {
    expect((await daemon.cli(["exec", "missing-container", "true"])).stderr).toContain(
      "No such container: missing-container",
    );
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox");
    const stopped = await daemon.cli(["exec", name, "true"]);
    expect(stopped.exitCode).toBe(1);
    expect(stopped.stderr).toContain("is not running");
    await daemon.ok("rm", name);
  });

  test("inspect tells command, running and exit code; a second start is refused", async () => {
    const created = await daemon.api("POST", `/containers/${box}/exec`, {
      Cmd: ["sh", "-c", "exit 3"],
      AttachStdout: true,
    });
    expect(created.status).toBe(201);
    const id = created.json<{ Id: string }>().Id;
    const inspect = async () => (await daemon.api("GET", `/exec/${id}/json`)).json<Record<string, unknown>>();
    expect(await inspect()).toMatchObject({
      ID: id,
      Running: false,
      ExitCode: null,
      ProcessConfig: { entrypoint: "sh", arguments: ["-c", "exit 3"] },
    });
    expect((await daemon.api("POST", `/exec/${id}/start`, { Detach: true })).status).toBe(200);
    await eventually(
      "the end",
      async () => (await inspect())["Running"] === false && (await inspect())["ExitCode"] === 3,
    );
    expect((await daemon.api("POST", `/exec/${id}/start`, { Detach: true })).status).toBe(409);
    expect((await daemon.api("POST", "/exec/nothing/start", { Detach: true })).status).toBe(404);
    expect((await daemon.api("GET", "/exec/nothing/json")).status).toBe(404);
  });

  test("ends with the container", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    const pending = daemon.cli(["exec", name, "sleep", "500"]);
    await eventually("it to run", async () => (await daemon.ok("top", name)).includes("sleep 500"));
    await daemon.ok("kill", name);
    expect((await pending).exitCode).not.toBe(0);
    await daemon.ok("rm", name);
  });

  test("an empty command is refused", async () => {
    const answer = await daemon.api("POST", `/containers/${box}/exec`, { Cmd: [] });
    expect(answer.status).toBe(400);
    expect(answer.json()["message"]).toContain("No exec command specified");
  });
});
