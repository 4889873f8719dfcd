import { describe, expect, test } from "bun:test";
import { eventually } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

type State = {
  readonly Status: string;
  readonly Running: boolean;
  readonly Paused: boolean;
  readonly Restarting: boolean;
  readonly OOMKilled: boolean;
  readonly Dead: boolean;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly Error: string;
  readonly StartedAt: string;
  readonly FinishedAt: string;
  readonly Health?: {
    readonly Status: string;
    readonly FailingStreak: number;
    readonly Log: readonly { ExitCode: number; Output: string }[];
  };
};

async function stateOf(name: string): Promise<State> {
  return (await daemon.inspect<{ State: State }>(name)).State;
}

async function sleeper(...options: string[]): Promise<string> {
  const name = uniqueName();
  await daemon.ok("run", "-d", "--name", name, ...options, "busybox", "sleep", "1000");
  return name;
}

/** A container that ends with 40 on SIGTERM and 41 on SIGUSR1, and says "ready" when it listens. */
async function trapper(...options: string[]): Promise<string> {
  const name = uniqueName();
  const script = "trap 'exit 40' TERM; trap 'exit 41' USR1; echo ready; while :; do sleep 0.05; done";
  await daemon.ok("run", "-d", "--name", name, ...options, "busybox", "sh", "-c", script);
  await eventually("the container to be ready", async () => (await daemon.ok("logs", name)).includes("ready"));
  return name;
}

describe("create, start, stop, rm", () => {
  test("a container goes from created to running to exited", async () => {
    const name = uniqueName();
    const id = await daemon.ok("create", "--name", name, "busybox", "sh", "-c", "sleep 0.2; exit 4");
    expect(await stateOf(name)).toMatchObject({ Status: "created", Running: false, Pid: 0, ExitCode: 0 });
    expect((await stateOf(name)).StartedAt).toBe("0001-01-01T00:00:00Z");
    expect(await daemon.ok("start", name)).toBe(name);
    const running = await stateOf(name);
    expect(running).toMatchObject({ Status: "running", Running: true, FinishedAt: "0001-01-01T00:00:00Z" });
    expect(running.Pid).toBeGreaterThan(1);
    expect(await daemon.ok("wait", name)).toBe("4");
    const exited = await stateOf(name);
    expect(exited).toMatchObject({ Status: "exited", Running: false, Pid: 0, ExitCode: 4, Error: "" });
    expect(Date.parse(exited.FinishedAt)).toBeGreaterThan(Date.parse(exited.StartedAt));
    expect(await daemon.ok("rm", id.slice(0, 12))).toBe(id.slice(0, 12));
    expect((await daemon.cli(["inspect", name])).exitCode).toBe(1);
  });

  test("start -a attaches and ends with the exit code", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox", "sh", "-c", "echo hello; exit 6");
    for (let round = 0; round < 2; round += 1)
      expect(await daemon.cli(["start", "-a", name])).toEqual({ exitCode: 6, stdout: "hello\n", stderr: "" });
    await daemon.ok("rm", name);
  });

  test("start -ai passes standard input", async () => {
    const name = uniqueName();
    await daemon.ok("create", "-i", "--name", name, "busybox", "cat");
    expect((await daemon.cli(["start", "-ai", name], { input: "typed" })).stdout).toBe("typed");
    await daemon.ok("rm", name);
  });

  test("what a container wrote is there after a restart", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "sh", "-c", "echo x >> /count; wc -l < /count");
    await daemon.ok("start", "-a", name);
    expect((await daemon.cli(["start", "-a", name])).stdout.trim()).toBe("3");
    await daemon.ok("rm", name);
  });

  test("stop sends SIGTERM and reports the code", async () => {
    const name = await trapper();
    await daemon.ok("stop", name);
    expect((await stateOf(name)).ExitCode).toBe(40);
    await daemon.ok("rm", name);
  });

  test("stop honours --stop-signal", async () => {
    const name = await trapper("--stop-signal", "SIGUSR1");
    await daemon.ok("stop", name);
    expect((await stateOf(name)).ExitCode).toBe(41);
    await daemon.ok("rm", name);
  });

  test("stop kills after the grace period", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done");
    const start = Date.now();
    await daemon.ok("stop", "-t", "1", name);
    expect(Date.now() - start).toBeGreaterThan(900);
    expect((await stateOf(name)).ExitCode).toBe(137);
    await daemon.ok("rm", name);
  });

  test("stop -t 0 kills at once", async () => {
    const name = await sleeper();
    const start = Date.now();
    await daemon.ok("stop", "-t", "0", name);
    // Without -t it would have had ten seconds.
    expect(Date.now() - start).toBeLessThan(10_000);
    await daemon.ok("rm", name);
  });

  test("start of a running and stop of a stopped container are 304", async () => {
    const name = await sleeper();
    expect((await daemon.api("POST", `/containers/${name}/start`)).status).toBe(304);
    expect(await daemon.ok("start", name)).toBe(name);
    await daemon.ok("stop", "-t", "0", name);
    expect((await daemon.api("POST", `/containers/${name}/stop`)).status).toBe(304);
    expect(await daemon.ok("stop", name)).toBe(name);
    await daemon.ok("rm", name);
  });

  test("rm refuses a running container, rm -f does not", async () => {
    const name = await sleeper();
    const refused = await daemon.cli(["rm", name]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/running container|container is running/);
    await daemon.ok("rm", "-f", name);
    expect((await daemon.cli(["rm", name])).stderr).toContain(`No such container: ${name}`);
    expect((await daemon.cli(["rm", "-f", name])).exitCode).toBe(0);
  });

  test("names are unique, and the conflict names the holder", async () => {
    const name = uniqueName();
    const id = await daemon.ok("create", "--name", name, "busybox");
    const conflict = await daemon.cli(["create", "--name", name, "busybox"]);
    expect(conflict.exitCode).toBe(1);
    expect(conflict.stderr).toContain(
      `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
    await daemon.ok("rm", name);
    await daemon.ok("create", "--name", name, "busybox");
    await daemon.ok("rm", name);
  });

  test("containers are found by name, id and unambiguous prefix", async () => {
    const name = await sleeper();
    const id = await daemon.ok("inspect", "-f", "{{.Id}}", name);
    for (const reference of [name, `/${name}`, id, id.slice(0, 12), id.slice(0, 20)])
      expect(await daemon.ok("inspect", "-f", "{{.Id}}", reference)).toBe(id);
    expect((await daemon.cli(["inspect", name.slice(0, -1)])).exitCode).toBe(1);
    await daemon.ok("rm", "-f", name);
  });

  test("a generated name has the form adjective_surname", async () => {
    const id = await daemon.ok("create", "busybox");
    expect(await daemon.ok("inspect", "-f", "{{.Name}}", id)).toMatch(/^\/[a-z]+_[a-z]+\d?$/);
    await daemon.ok("rm", id);
  });

  test("rename frees the old name", async () => {
    const name = await sleeper();
    const renamed = uniqueName("renamed");
    await daemon.ok("rename", name, renamed);
    expect(await daemon.ok("inspect", "-f", "{{.Name}}", renamed)).toBe(`/${renamed}`);
    const other = await daemon.ok("create", "--name", name, "busybox");
    const conflict = await daemon.cli(["rename", renamed, name]);
    expect(conflict.exitCode).toBe(1);
    expect(conflict.stderr).toContain("Error when allocating new name");
    await daemon.ok("rm", "-f", renamed, other);
  });

  test("--rm removes a container that was started in the background", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--rm", "--name", name, "busybox", "true");
    await eventually("the container to be removed", async () => (await daemon.cli(["inspect", name])).exitCode !== 0);
  });

  test("rm accepts several and tells which are missing", async () => {
    const [one, two] = [uniqueName(), uniqueName()];
    await daemon.ok("create", "--name", one, "busybox");
    await daemon.ok("create", "--name", two, "busybox");
    const result = await daemon.cli(["rm", one, "missing-container", two]);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toBe(`${one}\n${two}\n`);
    expect(result.stderr).toContain("No such container: missing-container");
  });

  test("container prune removes stopped containers only", async () => {
    const stopped = uniqueName();
    await daemon.ok("run", "--name", stopped, "busybox", "true");
    const running = await sleeper();
    const output = await daemon.ok("container", "prune", "-f");
    expect(output).toContain("Deleted Containers:");
    expect((await daemon.cli(["inspect", stopped])).exitCode).toBe(1);
    expect((await daemon.cli(["inspect", running])).exitCode).toBe(0);
    await daemon.ok("rm", "-f", running);
  });
});

describe("kill, restart, pause, wait", () => {
  test("kill sends SIGKILL and others by name and number", async () => {
    const killed = await sleeper();
    await daemon.ok("kill", killed);
    expect((await stateOf(killed)).ExitCode).toBe(137);
    const named = await trapper();
    await daemon.ok("kill", "-s", "USR1", named);
    expect(await daemon.ok("wait", named)).toBe("41");
    const numbered = await trapper();
    await daemon.ok("kill", "-s", "15", numbered);
    expect(await daemon.ok("wait", numbered)).toBe("40");
    await daemon.ok("rm", killed, named, numbered);
  });

  test("kill of a stopped container says that it is not running", async () => {
    const name = uniqueName();
    const id = await daemon.ok("create", "--name", name, "busybox");
    const result = await daemon.cli(["kill", name]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr.toLowerCase()).toContain("is not running");
    expect(result.stderr.toLowerCase()).toContain("cannot kill container");
    await daemon.ok("rm", id);
  });

  test("kill refuses an unknown signal", async () => {
    const name = await sleeper();
    const result = await daemon.cli(["kill", "-s", "NOSUCH", name]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("NOSUCH");
    expect((await stateOf(name)).Running).toBe(true);
    await daemon.ok("rm", "-f", name);
  });

  test("restart gives a new process and keeps the id", async () => {
    const name = await sleeper();
    const before = await stateOf(name);
    await daemon.ok("restart", "-t", "0", name);
    const after = await stateOf(name);
    expect(after.Running).toBe(true);
    expect(after.Pid).not.toBe(before.Pid);
    await daemon.ok("stop", "-t", "0", name);
    await daemon.ok("restart", name);
    expect((await stateOf(name)).Running).toBe(true);
    await daemon.ok("rm", "-f", name);
  });

  test("pause stops every process and unpause continues them", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "while :; do cut -d. -f1,2 /proc/uptime; sleep 0.02; done",
    );
    await daemon.ok("pause", name);
    expect(await stateOf(name)).toMatchObject({ Status: "paused", Paused: true, Running: true });
    // What it wrote just before may still be on its way into the log.
    let first = "";
    await eventually("the output to stand still", async () => {
      const before = first;
      first = await daemon.ok("logs", "--tail", "1", name);
      return first === before;
    });
    await Bun.sleep(200);
    expect(await daemon.ok("logs", "--tail", "1", name)).toBe(first);
    expect(await daemon.ok("ps", "--filter", `name=${name}`, "--format", "{{.Status}}")).toMatch(/^Up .*\(Paused\)$/);
    const again = await daemon.cli(["pause", name]);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("already paused");
    expect((await daemon.cli(["exec", name, "true"])).stderr).toContain("paused");
    await daemon.ok("unpause", name);
    expect(await stateOf(name)).toMatchObject({ Status: "running", Paused: false });
    await eventually("new output", async () => (await daemon.ok("logs", "--tail", "1", name)) !== first);
    const notPaused = await daemon.cli(["unpause", name]);
    expect(notPaused.stderr).toContain("is not paused");
    await daemon.ok("rm", "-f", name);
  });

  test("start of a paused container is a conflict", async () => {
    const name = await sleeper();
    await daemon.ok("pause", name);
    const answer = await daemon.api("POST", `/containers/${name}/start`);
    expect(answer.status).toBe(409);
    expect(answer.json()["message"]).toContain("cannot start a paused container, try unpause instead");
    await daemon.ok("rm", "-f", name);
  });

  test("a paused container can be stopped", async () => {
    const name = await trapper();
    await daemon.ok("pause", name);
    await daemon.ok("stop", "-t", "5", name);
    expect((await stateOf(name)).Running).toBe(false);
    await daemon.ok("rm", name);
  });

  test("wait answers its headers before the end", async () => {
    const name = await sleeper();
    const response = await fetch(`http://localhost/containers/${name}/wait`, {
      method: "POST",
      unix: daemon.engine.socket,
    });
    expect(response.status).toBe(200);
    await daemon.ok("kill", name);
    expect(await response.json()).toMatchObject({ StatusCode: 137 });
    await daemon.ok("rm", name);
  });

  test("wait conditions: not-running, next-exit, removed", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "sh", "-c", "exit 9").catch(() => "");
    expect((await daemon.api("POST", `/containers/${name}/wait`)).json()).toMatchObject({ StatusCode: 9 });
    const nextExit = fetch(`http://localhost/containers/${name}/wait?condition=next-exit`, {
      method: "POST",
      unix: daemon.engine.socket,
    });
    const removed = fetch(`http://localhost/containers/${name}/wait?condition=removed`, {
      method: "POST",
      unix: daemon.engine.socket,
    });
    await Promise.all([nextExit, removed]);
    await daemon.cli(["start", "-a", name]);
    expect(await (await nextExit).json()).toMatchObject({ StatusCode: 9 });
    await daemon.ok("rm", name);
    expect(await (await removed).json()).toMatchObject({ StatusCode: 9 });
    expect((await daemon.api("POST", "/containers/missing/wait")).status).toBe(404);
  });

  test.if(!targetIsDockerd)("an unknown wait condition is refused", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox");
    expect((await daemon.api("POST", `/containers/${name}/wait?condition=nonsense`)).status).toBe(400);
    await daemon.ok("rm", name);
  });
});

describe("restart policies", () => {
  test("on-failure:2 tries two more times and stops with the code", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--restart",
      "on-failure:2",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "echo try; exit 3",
    );
    await eventually("the last try", async () => (await daemon.ok("logs", name)).split("\n").length === 3);
    await eventually("the end", async () => (await stateOf(name)).Status === "exited");
    expect(await daemon.ok("inspect", "-f", "{{.RestartCount}} {{.State.ExitCode}}", name)).toBe("2 3");
    await daemon.ok("rm", name);
  });

  test("on-failure does not restart a success", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--restart", "on-failure", "--name", name, "busybox", "true");
    await eventually("the end", async () => (await stateOf(name)).Status === "exited");
    await Bun.sleep(300);
    expect(await daemon.ok("inspect", "-f", "{{.RestartCount}}", name)).toBe("0");
    await daemon.ok("rm", name);
  });

  test("always restarts with growing pauses until it is stopped", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "-d",
      "--restart",
      "always",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "cut -d' ' -f1 /proc/uptime; exit 1",
    );
    await eventually(
      "three restarts",
      async () => Number(await daemon.ok("inspect", "-f", "{{.RestartCount}}", name)) >= 3,
    );
    await daemon.ok("stop", "-t", "0", name);
    const lines = (await daemon.ok("logs", name)).split("\n").map(Number);
    // Each pause is twice the last, from 100 ms on; the kernel's figure has two digits.
    for (const [index, pause] of [0.1, 0.2, 0.4].entries()) {
      expect((lines[index + 1] ?? 0) - (lines[index] ?? 0)).toBeGreaterThanOrEqual(pause - 0.02);
    }
    const count = lines.length;
    await Bun.sleep(500);
    expect((await daemon.ok("logs", name)).split("\n").length).toBe(count);
    expect((await stateOf(name)).Status).toBe("exited");
    await daemon.ok("rm", name);
  }, 20_000);

  test("docker kill is not undone by the policy", async () => {
    const name = await sleeper("--restart", "always");
    await daemon.ok("kill", name);
    await Bun.sleep(500);
    expect((await stateOf(name)).Status).toBe("exited");
    await daemon.ok("rm", name);
  });

  test("a container in back-off says so and can be removed", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--restart", "always", "--name", name, "busybox", "false");
    await eventually("back-off", async () => (await stateOf(name)).Status === "restarting");
    expect(await daemon.ok("ps", "--filter", "status=restarting", "--format", "{{.Names}} {{.Status}}")).toMatch(
      new RegExp(`${name} Restarting \\(1\\) `),
    );
    await daemon.ok("rm", "-f", name);
  });

  test("--rm with a policy is refused", async () => {
    const result = await daemon.cli(["run", "--rm", "--restart", "always", "busybox", "true"]);
    expect(result.exitCode).toBe(125);
  });

  test("containers come back as their policy says when the daemon starts again", async () => {
    const always = await sleeper("--restart", "always");
    const stopped = await sleeper("--restart", "unless-stopped");
    await daemon.ok("stop", "-t", "0", stopped);
    await daemon.engine.halt();
    await daemon.engine.start();
    await eventually("the container to run", async () => (await stateOf(always)).Running);
    expect((await stateOf(stopped)).Running).toBe(false);
    await daemon.ok("rm", "-f", always, stopped);
  }, 30_000);
});

describe("health", () => {
  const health = (name: string) => async (status: string) => (await stateOf(name)).Health?.Status === status;

  test("goes from starting to healthy to unhealthy", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run", "-d", "--name", name, "--health-cmd", "echo looked; test ! -e /sick", "--health-interval", "200ms",
      "--health-retries", "2", "--health-timeout", "2s", "busybox", "sleep", "1000",
    ); // prettier-ignore
    expect((await stateOf(name)).Health?.Status).toBe("starting");
    await eventually("health", () => health(name)("healthy"));
    expect(await daemon.ok("ps", "--filter", "health=healthy", "--format", "{{.Names}} {{.Status}}")).toMatch(
      new RegExp(`${name} Up .* \\(healthy\\)`),
    );
    await daemon.ok("exec", name, "touch", "/sick");
    await eventually("sickness", () => health(name)("unhealthy"));
    const state = await stateOf(name);
    expect(state.Health?.FailingStreak).toBeGreaterThanOrEqual(2);
    expect(state.Health?.Log.at(-1)).toMatchObject({ ExitCode: 1, Output: "looked\n" });
    expect(state.Health?.Log.length).toBeLessThanOrEqual(5);
    await daemon.ok("rm", "-f", name);
  });

  test("a probe that hangs counts as failed", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run", "-d", "--name", name, "--health-cmd", "sleep 100", "--health-interval", "100ms", "--health-retries", "1",
      "--health-timeout", "300ms", "busybox", "sleep", "1000",
    ); // prettier-ignore
    await eventually("sickness", () => health(name)("unhealthy"));
    expect((await stateOf(name)).Health?.Log.at(-1)?.ExitCode).toBe(-1);
    await daemon.ok("rm", "-f", name);
  });

  test("no check, no Health", async () => {
    const name = await sleeper();
    expect((await stateOf(name)).Health).toBeUndefined();
    await daemon.ok("rm", "-f", name);
  });

  test("failures in the start period do not count", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run", "-d", "--name", name, "--health-cmd", "false", "--health-interval", "100ms", "--health-retries", "1",
      "--health-start-period", "60s", "busybox", "sleep", "1000",
    ); // prettier-ignore
    await eventually("two probes", async () => ((await stateOf(name)).Health?.Log.length ?? 0) >= 2, 15_000);
    expect((await stateOf(name)).Health?.Status).toBe("starting");
    await daemon.ok("rm", "-f", name);
  }, 20_000);
});

test.if(!targetIsDockerd)(
  "a killed daemon finds its containers again",
  async () => {
    const name = uniqueName();
    const script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done";
    await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", script);
    const short = uniqueName();
    await daemon.ok("run", "-d", "--name", short, "busybox", "sh", "-c", "sleep 0.5; exit 33");
    const { Pid } = await stateOf(name);
    await daemon.engine.kill();
    await Bun.sleep(800);
    await daemon.engine.start();
    expect((await stateOf(name)).Pid).toBe(Pid);
    await eventually("the short one's end", async () => (await stateOf(short)).Status === "exited");
    expect((await stateOf(short)).ExitCode).toBe(33);
    await daemon.ok("stop", "-t", "0", name);
    const lines = (await daemon.ok("logs", name)).split("\n").map(Number);
    expect(lines).toEqual(lines.map((_, index) => index + 1));
    await daemon.ok("rm", name, short);
  },
  30_000,
);
