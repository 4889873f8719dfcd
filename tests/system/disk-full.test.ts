import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { eventually, mustRun, runCommand } from "../engines/command.ts";
import { type EngineProcess, startEngine } from "../engines/engine.ts";

let disk = "";
let engine: EngineProcess;
let archive = "";

const docker = (...words: string[]) =>
  runCommand(["docker", ...words], {
    environment: { DOCKER_HOST: engine.host, DOCKER_BUILDKIT: "0", DOCKER_CLI_HINTS: "false" },
    timeoutMs: 20_000,
  });

beforeAll(async () => {
  disk = mkdtempSync(join(tmpdir(), "berth-small-disk-"));
  await mustRun(["mount", "-t", "tmpfs", "-o", "size=64m", "berth-test", disk]);
  engine = await startEngine("berth", { dataRoot: join(disk, "data") });
  expect((await docker("load", "-q", "-i", await busyboxArchive())).exitCode).toBe(0);
  expect(
    (await docker("run", "-d", "--name", "keeps", "busybox", "sh", "-c", "while :; do echo line; usleep 20000; done"))
      .exitCode,
  ).toBe(0);
  expect((await docker("run", "--name", "stopped", "busybox", "true")).exitCode).toBe(0);
  archive = join(engine.directory, "import.tar");
  await mustRun([
    "sh",
    "-c",
    `head -c 4000000 /dev/urandom > ${engine.directory}/blob && tar cf ${archive} -C ${engine.directory} blob`,
  ]);
}, 60_000);

afterAll(async () => {
  await engine?.destroy();
  await runCommand(["umount", "--lazy", disk]);
  rmSync(disk, { recursive: true, force: true });
}, 60_000);

function fill(): void {
  const path = join(disk, "fill");
  writeFileSync(path, "");
  for (const size of [1 << 20, 4096]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(size, 1));
    } catch {
      // Full, but for less than a piece.
    }
  }
}

test("a container that fills the disk gets ENOSPC, and with --rm all of it is back", async () => {
  const result = await docker("run", "--rm", "busybox", "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=100");
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("No space left on device");
  const { stdout } = await runCommand(["df", "--output=pcent", disk]);
  expect(Number(/(\d+)%/.exec(stdout)?.[1])).toBeLessThan(30);
}, 40_000);

test("on a full disk import and build say why they fail, and leave nothing half done", async () => {
  fill();
  const before = (await docker("images", "-aq")).stdout;
  const imported = await docker("import", archive, "imported:1");
  expect(imported.exitCode).toBe(1);
  expect(imported.stderr.toLowerCase()).toContain("no space left on device");
  writeFileSync(join(engine.directory, "Dockerfile"), "FROM busybox\nRUN dd if=/dev/zero of=/x bs=1M count=70\n");
  const built = await docker("build", "-t", "built", "-f", join(engine.directory, "Dockerfile"), engine.directory);
  expect(built.exitCode).toBe(1);
  expect((await docker("images", "-aq")).stdout).toBe(before);
}, 60_000);

test("on a full disk the daemon starts, and stop, start, exec, rm, prune and rmi work", async () => {
  rmSync(join(disk, "fill"));
  // The reserve for removals comes back once there is room.
  const reserve = join(disk, "data/berth.db.reserve");
  await eventually("the reserve to come back", () => existsSync(reserve) && statSync(reserve).size > 0, 15_000);
  fill();
  await engine.kill();
  await engine.start();
  expect(await docker("exec", "keeps", "echo", "here")).toMatchObject({ exitCode: 0, stdout: "here\n" });
  // Whatever room was found for the first changes is gone again for the others.
  for (let times = 0; times < 3; times++) {
    fill();
    expect(await docker("stop", "-t", "0", "keeps")).toMatchObject({ exitCode: 0 });
    fill();
    expect(await docker("start", "keeps")).toMatchObject({ exitCode: 0 });
  }
  for (const words of [
    ["stop", "-t", "0", "keeps"],
    ["start", "keeps"],
    ["rm", "stopped"],
    ["rm", "-f", "keeps"],
    ["system", "prune", "-f"],
    ["rmi", "busybox"],
  ])
    expect({ words, ...(await docker(...words)) }).toMatchObject({ words, exitCode: 0 });
  expect((await docker("ps", "-aq")).stdout).toBe("");
  expect((await docker("images", "-aq")).stdout).toBe("");
}, 60_000);
