import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { eventually, mustRun, runCommand } from "../engines/command.ts";
import { type EngineProcess, startEngine } from "../engines/engine.ts";
import { processesNaming } from "../engines/process.ts";
import { differences, snapshot } from "./leak-oracle.ts";

/** How many builds are killed at a random moment: `ROUNDS=100` is the whole proof. */
const rounds = Number(process.env["ROUNDS"] ?? 3);

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

/**
 * A build of many kinds of steps: a stage beside another, copies between them, mounts of all kinds, here-documents.
 * Of one round each, so that nothing of it is in the cache before.
 */
function manySteps(round: number): string {
  const lines = (stage: string, count: number) =>
    Array.from(
      { length: count },
      (_, step) => `RUN for i in 1 2 3 4 5; do echo ${round}-${step} > /${stage}${step}-$i; done`,
    );
  return [
    "FROM busybox AS side",
    "COPY --chmod=640 files /files/",
    ...lines("s", 3),
    `RUN --mount=type=cache,id=killed,target=/c --mount=type=bind,source=files,target=/b mkdir -p /c/${round} && cp -r /b/. /c/${round} && cp -r /c/${round} /cached`,
    "FROM busybox",
    ...lines("m", 4),
    "WORKDIR /made/here",
    "COPY --from=side /files /cached/ /from/",
    "COPY <<EOF /here",
    `round ${round}`,
    "EOF",
    "RUN --mount=type=tmpfs,target=/t echo gone > /t/x",
    "RUN cat /here > /last",
  ].join("\n");
}

test("kills at any moment leave no half layer, mount or process: the next build goes on from the last finished step", async () => {
  const folder = context("");
  mkdirSync(join(folder, "files"));
  for (const name of ["one", "two", "three"]) writeFileSync(join(folder, "files", name), name.repeat(50_000));
  const before = await snapshot(engine);
  let kept = 0;
  let lostMs = 0;
  for (let round = 0; round < rounds; round++) {
    writeFileSync(join(folder, "Dockerfile"), manySteps(round));
    // The first round tells how long a whole build takes here and now: kills fall anywhere in one.
    if (round === 0) {
      const begun = performance.now();
      expect(await docker("build", "-t", "whole", folder)).toMatchObject({ exitCode: 0 });
      lostMs = performance.now() - begun;
      expect((await docker("builder", "prune", "-af")).exitCode).toBe(0);
    }
    const afterMs = Math.random() * lostMs;
    const building = docker("build", "-t", "often", folder);
    await Bun.sleep(afterMs);
    await engine.kill();
    const { stdout: said } = await building;
    await engine.start();
    expect({ round, afterMs, remains: remains() }).toEqual({ round, afterMs, remains: [] });
    const again = await docker("build", "-t", "often", folder);
    expect({ round, afterMs, ...again }).toMatchObject({ exitCode: 0 });
    // A step whose result was told is in the cache: " ---> " and an id, after the step's line.
    const finished = said.match(/^ ---> [0-9a-f]{12}$/gm)?.length ?? 0;
    const cached = again.stdout.match(/^ ---> Using cache$/gm)?.length ?? 0;
    // Two of the lines are those of FROM.
    expect({ round, afterMs, finished, isKept: cached >= finished - 2 }).toMatchObject({ isKept: true });
    kept += cached;
    const { stdout } = await docker(
      ...["run", "--rm", "often", "sh", "-c", "cat /m* | sort | uniq -c; cat /last; ls /from /made; wc -c /from/one"],
    );
    expect(stdout.trim().split(/\s+/)).toEqual(
      [...[0, 1, 2, 3].flatMap((step) => ["5", `${round}-${step}`]), "round", `${round}`]
        .concat(["/from:", "one", "three", "two", "/made:", "here"])
        .concat(["150000", "/from/one"]),
    );
  }
  // Kills that all fell before the first step or after the last would prove nothing.
  if (rounds >= 20) expect(kept).toBeGreaterThan(rounds);
  await docker("rmi", "-f", "often", "whole");
  await docker("builder", "prune", "-af");
  expect(await differences(before, engine)).toEqual([]);
  if (rounds > 3) console.log(`${rounds} kills: ${kept} steps taken up again`);
}, 1_200_000);

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
