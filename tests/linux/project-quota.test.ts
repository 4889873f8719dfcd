import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base";
import { openDatabase } from "#db";
import { openImageStore } from "#images";
import { hasProjectQuota, projectOf } from "#linux";
import { openLocalVolumes } from "#volumes";
import { mustRun, runCommand } from "../engines/command.ts";
import { failureOf } from "./failure-of.ts";

const directory = mkdtempSync(join(tmpdir(), "berth-quota-"));
const at = (name: string) => join(directory, name);

/** Mounts a file system with project quotas that lies in a file of its own; why it cannot, where the kernel knows none. */
async function mountWithQuotas(): Promise<string | undefined> {
  await mustRun(["truncate", "-s", "96M", at("disk")]);
  await mustRun(["mkfs.ext4", "-q", "-O", "project,quota", "-E", "quotatype=prjquota", at("disk")]);
  mkdirSync(at("mount"));
  const { exitCode, stderr } = await runCommand(["mount", "-o", "loop,prjquota", at("disk"), at("mount")]);
  return exitCode === 0 ? undefined : `this kernel mounts no ext4 with project quotas: ${stderr.trim()}`;
}

const obstacle = await mountWithQuotas();
if (obstacle !== undefined) console.warn(`skipped: ${obstacle}`);

afterAll(async () => {
  if (obstacle === undefined) await mustRun(["umount", "-R", at("mount")]);
  rmSync(directory, { recursive: true, force: true });
});

test.skipIf(obstacle !== undefined)(
  "a snapshot with a size is full when it is reached, and frees its project with its files",
  async () => {
    expect(hasProjectQuota(at("mount"))).toBe(true);
    const database = openDatabase(at("mount/state.db"));
    const { snapshots } = openImageStore({ dataRoot: at("mount"), database, logger: silentLogger });
    expect(snapshots.name).toBe("overlay2");
    const write = (root: string, mebibytes: number) => {
      writeFileSync(join(root, "file"), Buffer.alloc(mebibytes * 1024 * 1024));
    };
    await snapshots.prepare("limited", [], { sizeBytes: 4 * 1024 * 1024 });
    await snapshots.prepare("other", [], { sizeBytes: 8 * 1024 * 1024 });
    await snapshots.prepare("free", []);
    const [limited, other] = ["limited", "other"].map((id) => projectOf(at(`mount/snapshots/${id}/upper`)));
    expect(limited).toBeGreaterThan(2 ** 30);
    expect(other).not.toBe(limited);
    expect(projectOf(at("mount/snapshots/free/upper"))).toBe(0);
    const root = snapshots.mount("limited");
    write(root, 2);
    expect(() => write(root, 6)).toThrow("EDQUOT");
    rmSync(join(root, "file"));
    write(snapshots.mount("other"), 6);
    write(snapshots.mount("free"), 12);
    for (const id of ["limited", "other", "free"]) await snapshots.remove(id);
    // The project is forgotten with the directory: its number may be used again, with its own limit.
    const again = openImageStore({ dataRoot: at("mount"), database, logger: silentLogger }).snapshots;
    await again.prepare("next", [], { sizeBytes: 16 * 1024 * 1024 });
    write(again.mount("next"), 12);
    await again.remove("next");
    database.close();
  },
);

test.skipIf(obstacle !== undefined)(
  "a volume with a size is full when it is reached, beside snapshots and others",
  async () => {
    const dataRoot = at("mount");
    const database = openDatabase(at("mount/volumes.db"));
    const volumes = openLocalVolumes({ dataRoot, database });
    const { snapshots } = openImageStore({ dataRoot, database, logger: silentLogger });
    await snapshots.prepare("beside", [], { sizeBytes: 4 * 1024 * 1024 });
    const { volume: small } = volumes.create({ name: "small", options: { size: "4m" } });
    const { volume: free } = volumes.create({ name: "free" });
    const write = (place: string, mebibytes: number) => {
      writeFileSync(join(place, "file"), Buffer.alloc(mebibytes * 1024 * 1024));
    };
    expect(projectOf(small.mountpoint)).not.toBe(projectOf(at("mount/snapshots/beside/upper")));
    expect(projectOf(free.mountpoint)).toBe(0);
    write(small.mountpoint, 3);
    write(snapshots.mount("beside"), 3);
    write(free.mountpoint, 8);
    expect(() => write(small.mountpoint, 5)).toThrow("EDQUOT");
    // Opened again, the next one gets a project of its own.
    const { volume: next } = openLocalVolumes({ dataRoot, database }).create({ name: "next", options: { size: "2M" } });
    expect(projectOf(next.mountpoint)).not.toBe(projectOf(small.mountpoint));
    for (const name of ["small", "free", "next"]) openLocalVolumes({ dataRoot, database }).remove(name);
    await snapshots.remove("beside");
    database.close();
  },
);

test("where there are no quotas a size is refused, and nothing is left", async () => {
  mkdirSync(at("plain"));
  const database = openDatabase(at("plain/state.db"));
  const { snapshots } = openImageStore({ dataRoot: at("plain"), database, logger: silentLogger });
  const failure = await failureOf(snapshots.prepare("limited", [], { sizeBytes: 1024 }));
  expect(failure).toContain("--storage-opt is supported only for overlay over xfs with 'pquota'");
  expect(await snapshots.list()).toEqual([]);
  const volumes = openLocalVolumes({ dataRoot: at("plain"), database });
  expect(() => volumes.create({ name: "limited", options: { size: "1m" } })).toThrow(
    "quota size requested but no quota support",
  );
  expect(() => volumes.create({ name: "limited", options: { size: "much" } })).toThrow("invalid size: 'much'");
  expect(volumes.list()).toEqual([]);
  expect(existsSync(at("plain/volumes/limited"))).toBe(false);
  database.close();
});
