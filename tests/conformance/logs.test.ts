import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "../engines/command.ts";
import { client, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const ten = uniqueName("ten");

beforeAll(async () => {
  await daemon.ok(
    "run", "-d", "--name", ten, "busybox", "sh", "-c",
    "for i in 1 2 3 4 5; do echo out $i; done; sleep 1.2; for i in 6 7 8 9 10; do echo err $i >&2; done",
  ); // prettier-ignore
  await daemon.ok("wait", ten);
});

describe("logs", () => {
  test("keeps the streams apart", async () => {
    const result = await daemon.cli(["logs", ten]);
    expect(result.stdout).toBe("out 1\nout 2\nout 3\nout 4\nout 5\n");
    expect(result.stderr).toBe("err 6\nerr 7\nerr 8\nerr 9\nerr 10\n");
  });

  test.each([
    ["0", 0],
    ["1", 1],
    ["3", 3],
    ["10", 10],
    ["100", 10],
    ["all", 10],
    ["-1", 10],
  ])("--tail %s shows %i lines", async (tail, count) => {
    const result = await daemon.cli(["logs", "--tail", tail, ten]);
    expect(result.exitCode).toBe(0);
    expect((result.stdout + result.stderr).split("\n").filter(Boolean).length).toBe(count);
  });

  test("-t puts a time of nine decimals before each line", async () => {
    const result = await daemon.cli(["logs", "-t", ten]);
    for (const line of result.stdout.trim().split("\n"))
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out \d$/);
  });

  test("--since and --until cut by time", async () => {
    const stamps = (await daemon.cli(["logs", "-t", ten])).stderr
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "");
    const since = await daemon.cli(["logs", "--since", stamps[0] ?? "", ten]);
    expect([since.stdout, since.stderr.split("\n").length - 1]).toEqual(["", 5]);
    const until = await daemon.cli(["logs", "--until", new Date(Date.parse(stamps[0] ?? "") - 500).toISOString(), ten]);
    expect([until.stdout.split("\n").length - 1, until.stderr]).toEqual([5, ""]);
    expect((await daemon.cli(["logs", "--since", "1h", ten])).stdout).toContain("out 1");
    expect((await daemon.cli(["logs", "--since", "0s", ten])).stdout).toBe("");
    const seconds = Math.floor(Date.parse(stamps[0] ?? "") / 1000) + 3600;
    expect((await daemon.cli(["logs", "--since", String(seconds), ten])).stdout).toBe("");
  });

  test("-f shows what is there, then what comes, and ends with the container", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "echo one; sleep 0.6; echo two");
    const result = await daemon.cli(["logs", "-f", name]);
    expect(result.stdout).toBe("one\ntwo\n");
    await daemon.ok("rm", name);
  });

  test("-f --tail 0 shows only new lines", async () => {
    const name = uniqueName();
    const script = "echo one; until [ -e /go ]; do usleep 10000; done; echo two";
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", script);
    await eventually("the first line", async () => (await daemon.ok("logs", name)) === "one");
    // The answer begins when the place in the log is taken.
    const answer = await fetch(`http://localhost/containers/${name}/logs?follow=1&stdout=1&tail=0`, {
      unix: daemon.engine.socket,
    });
    await daemon.ok("exec", name, "touch", "/go");
    expect((await answer.text()).slice(8)).toBe("two\n");
    await daemon.ok("rm", name);
  });

  test("-f of a stopped container ends", async () => {
    expect((await daemon.cli(["logs", "-f", ten])).stdout).toStartWith("out 1\n");
  });

  test("-f goes on over a restart's output only while it runs, and a second run is appended", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "echo", "run");
    await daemon.ok("start", "-a", name);
    expect(await daemon.ok("logs", name)).toBe("run\nrun");
    await daemon.ok("rm", name);
  });

  test("a client that leaves does not disturb the container", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "while :; do echo tick; sleep 0.05; done");
    const child = Bun.spawn([client, "logs", "-f", name], {
      env: { ...process.env, ...daemon.environment },
      stdout: "pipe",
    });
    await child.stdout.getReader().read();
    child.kill("SIGKILL");
    await child.exited;
    const before = (await daemon.ok("logs", name)).length;
    await eventually("more output", async () => (await daemon.ok("logs", name)).length > before);
    await daemon.ok("rm", "-f", name);
  });

  test("a line without its newline stays without one", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "printf", "no newline");
    expect((await daemon.cli(["logs", name])).stdout).toBe("no newline");
    await daemon.ok("rm", name);
  });

  test("lines longer than 16 KiB come back whole", async () => {
    const name = uniqueName();
    await daemon.cli([
      "run",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "head -c 50000 /dev/zero | tr '\\0' a; echo; echo end",
    ]);
    expect((await daemon.cli(["logs", name])).stdout).toBe(`${"a".repeat(50_000)}\nend\n`);
    expect((await daemon.cli(["logs", "--tail", "1", name])).stdout).toBe("end\n");
    await daemon.ok("rm", name);
  });

  test("bytes that are not UTF-8 and control characters survive as far as JSON lets them", async () => {
    const name = uniqueName();
    await daemon.cli(["run", "--name", name, "busybox", "printf", 'tab\\t quote" back\\\\ ünï \\033[1m\\n']);
    expect((await daemon.cli(["logs", name])).stdout).toBe('tab\t quote" back\\ ünï \u001b[1m\n');
    await daemon.ok("rm", name);
  });

  test("a terminal's log is one raw stream", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-dt", "--name", name, "busybox", "sh", "-c", "echo out; echo err >&2");
    await daemon.ok("wait", name);
    expect((await daemon.cli(["logs", name])).stdout).toBe("out\r\nerr\r\n");
    await daemon.ok("rm", name);
  });

  test("--log-driver none keeps nothing and says so", async () => {
    const name = uniqueName();
    expect(await daemon.ok("run", "--log-driver", "none", "--name", name, "busybox", "echo", "x")).toBe("x");
    const result = await daemon.cli(["logs", name]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("does not support reading");
    await daemon.ok("rm", name);
  });

  test("max-size and max-file rotate, and logs reads across the files", async () => {
    const name = uniqueName();
    await daemon.cli([
      "run", "--name", name, "--log-opt", "max-size=20k", "--log-opt", "max-file=3", "busybox", "sh", "-c", "seq 1 1000",
    ]); // prettier-ignore
    const path = await daemon.ok("inspect", "-f", "{{.LogPath}}", name);
    expect(existsSync(`${path}.1`)).toBe(true);
    expect(existsSync(`${path}.2`)).toBe(true);
    expect(existsSync(`${path}.3`)).toBe(false);
    const lines = (await daemon.ok("logs", name)).split("\n").map(Number);
    expect(lines.at(-1)).toBe(1000);
    expect(lines.length).toBeGreaterThan(300);
    expect(lines).toEqual(lines.map((_, index) => 1000 - lines.length + 1 + index));
    expect((await daemon.ok("logs", "--tail", "400", name)).split("\n").length).toBe(Math.min(400, lines.length));
    await daemon.ok("rm", name);
    expect(existsSync(path)).toBe(false);
  });

  test("the file holds Docker's records", async () => {
    const path = await daemon.ok("inspect", "-f", "{{.LogPath}}", ten);
    const [first] = readFileSync(path, "utf8").split("\n");
    const record = JSON.parse(first ?? "") as { log: string; stream: string; time: string };
    expect(record).toMatchObject({ log: "out 1\n", stream: "stdout" });
    expect(record.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  });

  test("--details shows the attributes asked for at create", async () => {
    const name = uniqueName();
    await daemon.cli([
      "run", "--name", name, "--log-opt", "labels=tier", "--log-opt", "env=MODE", "-l", "tier=web", "-e", "MODE=a b", "busybox", "echo", "x",
    ]); // prettier-ignore
    expect(await daemon.ok("logs", "--details", name)).toBe("MODE=a+b,tier=web x");
    await daemon.ok("rm", name);
  });

  test("a missing container, no stream chosen, an unknown option", async () => {
    expect((await daemon.cli(["logs", "missing-container"])).stderr).toContain("No such container: missing-container");
    expect((await daemon.api("GET", `/containers/${ten}/logs`)).status).toBe(400);
    const refused = await daemon.cli(["create", "--log-opt", "max-sighs=3", "busybox"]);
    expect(refused.stderr).toContain("max-sighs");
    const driver = await daemon.cli(["create", "--log-driver", "no-such-driver", "busybox"]);
    if (driver.exitCode === 0) {
      // Docker finds out at start; both are fine as long as it is said.
      const start = await daemon.cli(["start", driver.stdout.trim()]);
      expect(start.stderr).toContain("no-such-driver");
      await daemon.ok("rm", driver.stdout.trim());
    } else expect(driver.stderr).toContain("no-such-driver");
  });

  test("headers come before the first line", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    const response = await fetch(`http://localhost/containers/${name}/logs?stdout=1&follow=1`, {
      unix: daemon.engine.socket,
    });
    expect(response.status).toBe(200);
    await response.body?.cancel();
    await daemon.ok("rm", "-f", name);
  });

  test("100 000 lines arrive whole and in order, by follow and from the file", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "seq", "1", "100000");
    const expected = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join("");
    expect((await daemon.cli(["logs", "-f", name])).stdout).toBe(expected);
    expect((await daemon.cli(["logs", name])).stdout).toBe(expected);
    await daemon.ok("rm", name);
  }, 30_000);
});
