import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineError } from "#base";
import { mustRun, runCommand } from "../engines/command.ts";
import { type BuilderFixture, canBuild, openBuilderFixture } from "./builder-fixture.ts";
import { failureOf } from "./failure-of.ts";

/* A disk that fills up during a build: the data root is on a small ext4 of its own. */

const work = mkdtempSync(join(tmpdir(), "berth-full-"));
const disk = join(work, "disk");
/** What takes the room on the disk, for a while. */
const ballast = join(disk, "ballast");

/** Mounts the disk; why it cannot, where there are no loop devices. */
async function mountDisk(): Promise<string | undefined> {
  if (Bun.which("mkfs.ext4") === null) return "there is no mkfs.ext4";
  mkdirSync(disk);
  await mustRun(["truncate", "-s", "64M", join(work, "image")]);
  await mustRun(["mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", join(work, "image")]);
  const { exitCode, stderr } = await runCommand(["mount", "-o", "loop", join(work, "image"), disk]);
  return exitCode === 0 ? undefined : stderr.trim();
}

const obstacle = canBuild ? await mountDisk() : "builds cannot be run here";
if (obstacle !== undefined) console.log(`full disks skipped: ${obstacle}`);
const canMount = obstacle === undefined;

let fixture: BuilderFixture;

beforeAll(async () => {
  if (canMount) fixture = await openBuilderFixture(undefined, disk);
});

afterAll(async () => {
  if (canMount) {
    fixture.close();
    await mustRun(["umount", disk]);
  }
  rmSync(work, { recursive: true });
});

/** Leaves ten megabytes: too few for a step, enough to say so. */
async function fillUp(): Promise<void> {
  const { bavail, bsize } = statfsSync(disk);
  await mustRun(["fallocate", "-l", String(bavail * bsize - (10 << 20)), ballast]);
}

const megabytes = (count: number) => Buffer.alloc(count << 20, 7);
const outcomes = (steps: readonly { readonly outcome: string }[]) => steps.map(({ outcome }) => outcome);

describe.skipIf(!canMount)("a disk that is full", () => {
  test.each([
    ["during a RUN", "RUN yes | head -c 40000000 > /large", {}],
    ["during a COPY", "COPY large /large", { large: 30 }],
    ["during an ADD", "ADD large.tar /", { "large.tar": 20 }],
  ] as const)("%s: the error says so, nothing is left, and the next build goes on", async (_name, step, files) => {
    const directory = mkdtempSync(join(work, "context-"));
    for (const [name, size] of Object.entries(files)) {
      if (!name.endsWith(".tar")) writeFileSync(join(directory, name), megabytes(size));
      else {
        writeFileSync(join(directory, "packed"), megabytes(size));
        await mustRun(["tar", "-cf", join(directory, name), "-C", directory, "packed"]);
      }
    }
    const first = `RUN echo ${step.slice(0, 4)} > /before`;
    const dockerfile = `FROM busybox\n${first}\n${step}\nRUN echo after > /after`;
    const build = () => fixture.build("", {}, { context: { directory }, dockerfileText: dockerfile });
    const images = fixture.store.catalog.list().length;
    const layers = fixture.store.layers.list().length;
    const before = readdirSync(disk);
    await fillUp();
    try {
      const failure: unknown = await build().then(
        () => undefined,
        (error: unknown) => error,
      );
      const { message, hint } = failure as EngineError;
      // A command says it itself, and ends in its own way.
      expect(`${message} ${hint ?? ""}`).toMatch(
        /no space left on the disk for (?:COPY|ADD) large|yes.*The disk is full/,
      );
      expect(hint).toContain("finished steps are kept");
      expect(fixture.store.catalog.list()).toHaveLength(images);
      // The step before is kept, of the one that failed nothing.
      expect(fixture.store.layers.list()).toHaveLength(layers + 1);
      expect((await fixture.store.snapshots.list()).filter((id) => id.startsWith("build-"))).toEqual([]);
    } finally {
      rmSync(ballast);
    }
    const built = await build();
    expect(outcomes(built.steps)).toEqual(["hit", "miss", "miss"]);
    expect(await fixture.text(built.imageId, "after")).toBe("after\n");
    expect(readdirSync(disk)).toEqual(before);
    await fixture.store.catalog.prune({ all: true, keep: ({ repoTags }) => repoTags.includes("busybox:latest") });
    await fixture.builder.prune({ all: true });
  });

  test("while a context arrives: the error says so, and nothing of it stays", async () => {
    const directory = mkdtempSync(join(work, "context-"));
    writeFileSync(join(directory, "large"), megabytes(16));
    await mustRun(["tar", "-cf", join(work, "context.tar"), "-C", directory, "large"]);
    const build = () =>
      fixture.build(
        "",
        {},
        {
          context: Bun.file(join(work, "context.tar")).stream(),
          dockerfileText: "FROM scratch\nCOPY large /",
        },
      );
    await fillUp();
    try {
      expect(await failureOf(build())).toContain("no space left on the disk for the build's files");
      expect(readdirSync(join(fixture.root, "builds"))).toEqual([]);
    } finally {
      rmSync(ballast);
    }
    expect((await build()).image.config.rootfs.diff_ids).toHaveLength(1);
  });
});
