import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { eventually, mustRun, runCommand } from "../engines/command.ts";
import { type EngineProcess, startEngine } from "../engines/engine.ts";
import { processesNaming } from "../engines/process.ts";
import { differences, snapshot } from "./leak-oracle.ts";

let engine: EngineProcess;
let work: string;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "berth-build-kills-"));
  engine = await startEngine("berth");
  expect((await docker("load", "-q", "-i", await busyboxArchive())).exitCode).toBe(0);
  expect((await docker("run", "--rm", "busybox", "true")).exitCode).toBe(0);
}, 60_000);

afterAll(async () => {
  await engine?.destroy();
  rmSync(work, { recursive: true, force: true });
}, 60_000);

const docker = (...words: string[]) =>
  runCommand(["docker", ...words], {
    environment: { DOCKER_HOST: engine.host, DOCKER_BUILDKIT: "0", DOCKER_CLI_HINTS: "false" },
    timeoutMs: 40_000,
  });

function context(dockerfile: string): string {
  const folder = mkdtempSync(join(work, "context-"));
  writeFileSync(join(folder, "Dockerfile"), dockerfile);
  return folder;
}

/** What of a build may be left on disk or mounted. */
function remains(): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(engine.dataRoot) && line.includes("build"));
  const snapshots = readdirSync(join(engine.dataRoot, "snapshots")).filter((name) => name.startsWith("build-"));
  return [...mounts, ...snapshots, ...readdirSync(join(engine.dataRoot, "builds"))];
}

test("after kill -9 in a build nothing of it is left, and the next goes on from the last finished step", async () => {
  const before = await snapshot(engine);
  const marker = `77${process.pid}`;
  const folder = context(
    [
      "FROM busybox",
      "RUN echo one > /one",
      "RUN echo two > /two",
      `RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t sleep ${marker}`,
    ].join("\n"),
  );
  const killed = docker("build", "-t", "killed", folder);
  const sleeping = () => processesNaming(`sleep ${marker}`).length > 0;
  await eventually("the third step to run", sleeping, 20_000);
  await engine.kill();
  expect((await killed).exitCode).not.toBe(0);
  await engine.start();
  await eventually("the step to be ended", () => !sleeping());
  expect(remains()).toEqual([]);
  expect(await differences(before, engine)).toEqual([]);
  writeFileSync(
    join(folder, "Dockerfile"),
    readFileSync(join(folder, "Dockerfile"), "utf8").replace(`sleep ${marker}`, "true"),
  );
  const again = await docker("build", "-t", "killed", folder);
  expect(again.exitCode).toBe(0);
  expect(again.stdout.match(/Using cache/g)?.length).toBe(2);
  expect((await docker("run", "--rm", "killed", "cat", "/one", "/two")).stdout).toBe("one\ntwo\n");
}, 60_000);

test("kills at any moment leave no half layer: what is cached is whole", async () => {
  const lines = Array.from({ length: 12 }, (_, step) => `RUN for i in 1 2 3 4 5; do echo ${step} > /f${step}-$i; done`);
  const folder = context(["FROM busybox", ...lines].join("\n"));
  for (const afterMs of [150, 300, 450]) {
    const build = docker("build", "-t", "often", folder);
    await Bun.sleep(afterMs);
    await engine.kill();
    await build;
    await engine.start();
    expect(remains()).toEqual([]);
  }
  expect((await docker("build", "-t", "often", folder)).exitCode).toBe(0);
  const { stdout } = await docker("run", "--rm", "often", "sh", "-c", "cat /f* | wc -l; ls /f* | wc -l");
  expect(stdout.trim().split(/\s+/)).toEqual(["60", "60"]);
}, 90_000);

test("a full disk in a build is said to be one, and what was finished is kept", async () => {
  const disk = mkdtempSync(join(work, "disk-"));
  await mustRun(["mount", "-t", "tmpfs", "-o", "size=48m", "berth-test", disk]);
  let small: EngineProcess | undefined;
  try {
    small = await startEngine("berth", { dataRoot: join(disk, "data") });
    const onSmall = (...words: string[]) =>
      runCommand(["docker", ...words], {
        environment: { DOCKER_HOST: small?.host ?? "", DOCKER_BUILDKIT: "0", DOCKER_CLI_HINTS: "false" },
      });
    expect((await onSmall("load", "-q", "-i", await busyboxArchive())).exitCode).toBe(0);
    const folder = context("FROM busybox\nRUN echo kept > /kept\nCOPY big /big\n");
    writeFileSync(join(folder, "big"), Buffer.alloc(60 << 20, 1));
    mkdirSync(join(folder, "empty"));
    const failed = await onSmall("build", "-t", "full", folder);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr.toLowerCase()).toContain("no space left on");
    expect(readdirSync(join(disk, "data/builds"))).toEqual([]);
    writeFileSync(join(folder, "big"), "small now");
    const built = await onSmall("build", "-t", "full", folder);
    expect(built.exitCode).toBe(0);
    expect((await onSmall("run", "--rm", "full", "cat", "/kept", "/big")).stdout).toBe("kept\nsmall now");
  } finally {
    await small?.destroy();
    await runCommand(["umount", "--lazy", disk]);
  }
}, 90_000);
