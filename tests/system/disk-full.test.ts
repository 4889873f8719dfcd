import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { type CommandResult, mustRun, runCommand } from "../engines/command.ts";
import { type EngineProcess, startEngine } from "../engines/engine.ts";

/** A data root of 64 MB on its own file system. */
let folder = "";
let engine: EngineProcess | undefined;

const docker = (words: readonly string[]): Promise<CommandResult> =>
  runCommand(["docker", ...words], { environment: { DOCKER_HOST: engine?.host ?? "", DOCKER_BUILDKIT: "0" } });
const ok = async (...words: string[]): Promise<string> => {
  const result = await docker(words);
  if (result.exitCode !== 0) throw new Error(`docker ${words.join(" ")}: ${result.stdout}${result.stderr}`);
  return result.stdout.trim();
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-full-"));
  mkdirSync(join(folder, "small"));
  await mustRun(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", join(folder, "small")]);
  mkdirSync(join(folder, "small/data"));
  engine = await startEngine("berth", { dataRoot: join(folder, "small/data") });
  await ok("load", "-q", "-i", await busyboxArchive());
}, 60_000);
afterAll(async () => {
  await engine?.destroy();
  await runCommand(["umount", "--lazy", join(folder, "small")]);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test("a container that fills the disk gets the error, the engine goes on", async () => {
  const result = await docker([
    "run",
    "--name",
    "filler",
    "busybox",
    "dd",
    "if=/dev/zero",
    "of=/big",
    "bs=1M",
    "count=200",
  ]);
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr).toContain("No space left on device");
  // The disk is still full: looking, and freeing, must work.
  expect(await ok("ps", "-a", "--format", "{{.Names}}")).toBe("filler");
  expect((await docker(["inspect", "filler"])).exitCode).toBe(0);
  await ok("rm", "filler");
  expect(await ok("run", "--rm", "busybox", "echo", "again")).toBe("again");
}, 60_000);

test("load, build, commit and cp on a full disk fail clearly and leave nothing", async () => {
  const images = await ok("images", "-aq");
  const context = join(folder, "context");
  mkdirSync(context);
  writeFileSync(join(context, "Dockerfile"), "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=200\n");
  const build = await docker(["build", "-t", "big:v1", context]);
  expect(build.exitCode).not.toBe(0);
  expect(build.stdout + build.stderr).toMatch(/no space left|No space left|non-zero code/i);
  expect(await ok("images", "-aq")).toBe(images);
  expect(await ok("ps", "-aq")).toBe("");

  const archive = join(folder, "big.tar");
  const payload = join(folder, "payload");
  mkdirSync(payload, { recursive: true });
  writeFileSync(join(payload, "blob"), Buffer.alloc(100 << 20, 7));
  await mustRun(["tar", "-cf", archive, "-C", payload, "."]);
  const imported = await docker(["import", archive, "huge:v1"]);
  expect(imported.exitCode).not.toBe(0);
  expect(imported.stdout + imported.stderr).toMatch(/no space left|ENOSPC/i);
  expect(await ok("images", "-aq")).toBe(images);

  await ok("create", "--name", "target", "busybox");
  const copied = await docker(["cp", archive, "target:/"]);
  expect(copied.exitCode).not.toBe(0);
  expect(copied.stdout + copied.stderr).toMatch(/no space left|ENOSPC/i);
  await ok("rm", "target");
  expect(await ok("run", "--rm", "busybox", "echo", "still fine")).toBe("still fine");
}, 60_000);

test("with the disk full from outside, containers can still be listed, stopped and removed", async () => {
  await ok("run", "-d", "--name", "running", "busybox", "sleep", "1000");
  await runCommand(["dd", "if=/dev/zero", `of=${join(folder, "small/ballast")}`, "bs=1M", "count=100"]);
  expect(await ok("ps", "--format", "{{.Names}}")).toBe("running");
  const started = await docker(["run", "--rm", "busybox", "true"]);
  if (started.exitCode !== 0) expect(started.stderr).toMatch(/no space left|ENOSPC|disk/i);
  await ok("rm", "-f", "running");
  rmSync(join(folder, "small/ballast"));
  expect(await ok("run", "--rm", "busybox", "echo", "recovered")).toBe("recovered");
  expect(await ok("ps", "-aq")).toBe("");
}, 60_000);
