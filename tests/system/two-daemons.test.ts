import { afterAll, beforeAll, expect, test } from "bun:test";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { eventually, mustRun } from "../engines/command.ts";
import { type EngineProcess, startEngine } from "../engines/engine.ts";
import { differences, snapshot } from "./leak-oracle.ts";

const engines: EngineProcess[] = [];
const docker = (engine: EngineProcess, ...words: string[]) =>
  mustRun(["docker", ...words], { environment: { DOCKER_HOST: engine.host } });

beforeAll(async () => {
  for (let count = 0; count < 2; count += 1) {
    const engine = await startEngine("berth");
    engines.push(engine);
    await docker(engine, "load", "-q", "-i", await busyboxArchive());
    await docker(engine, "run", "--rm", "busybox", "true");
  }
}, 60_000);
afterAll(async () => {
  for (const engine of engines) await engine.destroy();
}, 60_000);

test("two daemons use the same names side by side and never touch each other's things", async () => {
  const [one, two] = engines as [EngineProcess, EngineProcess];
  const before = [await snapshot(one), await snapshot(two)] as const;
  for (const engine of engines)
    await docker(engine, "run", "-d", "--name", "same", "-p", "127.0.0.1::80", "busybox", "sleep", "1000");
  const addresses = await Promise.all(
    engines.map((engine) => docker(engine, "inspect", "-f", "{{.NetworkSettings.Gateway}}", "same")),
  );
  expect(addresses[0]).not.toBe(addresses[1]);
  expect((await docker(one, "ps", "-q")).trim()).not.toBe((await docker(two, "ps", "-q")).trim());

  const pid = await docker(two, "inspect", "-f", "{{.State.Pid}}", "same");
  await docker(one, "rm", "-f", "same");
  await one.kill();
  await one.start();
  await docker(one, "volume", "prune", "-f");
  expect(await docker(two, "inspect", "-f", "{{.State.Pid}}", "same")).toBe(pid);
  expect(await docker(two, "exec", "same", "echo", "fine")).toBe("fine\n");
  expect(await differences(before[0], one)).toEqual([]);

  await docker(two, "rm", "-f", "same");
  expect(await differences(before[1], two)).toEqual([]);
}, 60_000);

test("a second daemon on the same data root is refused and the first goes on", async () => {
  const [one] = engines as [EngineProcess];
  const second = Bun.spawn(
    [
      process.env["BERTH_BINARY"] ?? `${import.meta.dir}/../../bin/berth`, "daemon", "--host", `${one.host}-second`, "--data-root", one.dataRoot,
      "--exec-root", `${one.execRoot}-second`,
    ], // prettier-ignore
    { stdout: "ignore", stderr: "pipe" },
  );
  expect(await second.exited).not.toBe(0);
  expect(await second.stderr.text()).toContain(one.dataRoot);
  expect((await docker(one, "ps", "-q")).trim()).toBe("");
});

test("a published port held by the other daemon is refused", async () => {
  const [one, two] = engines as [EngineProcess, EngineProcess];
  await docker(one, "run", "-d", "--name", "holder", "-p", "127.0.0.1::80", "busybox", "sleep", "1000");
  const port = (await docker(one, "port", "holder", "80")).trim().split(":").at(-1) ?? "";
  const attempt = docker(two, "run", "--rm", "-p", `127.0.0.1:${port}:80`, "busybox", "true");
  await attempt.then(
    () => expect("started").toBe("refused"),
    (error: unknown) => expect(String(error)).toMatch(/already (allocated|in use)/),
  );
  await docker(one, "rm", "-f", "holder");
  await eventually("the other to have nothing", async () => (await docker(two, "ps", "-aq")).trim() === "");
});
