import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#db";
import { openLocalVolumes } from "./local-volumes.ts";

let dataRoot: string;
beforeEach(() => {
  dataRoot = mkdtempSync(join(tmpdir(), "berth-volumes-"));
});
afterEach(() => rmSync(dataRoot, { recursive: true, force: true }));

function open() {
  const database = openDatabase(join(dataRoot, "state.db"));
  return { database, volumes: openLocalVolumes({ dataRoot, database }) };
}

test("a held volume is not removed until everybody let go", () => {
  const { database, volumes } = open();
  volumes.create({ name: "held" });
  const releases = [volumes.hold("held"), volumes.hold("held")];
  expect(() => volumes.remove("held")).toThrow("volume is in use by a container that is being created");
  releases[0]?.();
  releases[0]?.();
  expect(volumes.isHeld("held")).toBe(true);
  releases[1]?.();
  volumes.remove("held");
  expect(volumes.find("held")).toBeUndefined();
  database.close();
});

test("a removal that a kill interrupted is finished or undone by what the row says", () => {
  const first = open();
  const { volume } = first.volumes.create({ name: "kept", labels: { a: "b" } });
  writeFileSync(join(volume.mountpoint, "file"), "data");
  first.database.close();
  // Killed after it was set aside and before the row went; and after the row went.
  const at = (name: string) => join(dataRoot, "volumes", name);
  rmSync(at(".removing-kept"), { recursive: true, force: true });
  mkdirSync(at(".removing-gone/_data"), { recursive: true });
  Bun.spawnSync(["mv", at("kept"), at(".removing-kept")]);
  const { database, volumes } = open();
  expect(volumes.get("kept")).toMatchObject({ labels: { a: "b" }, anonymous: false });
  expect(existsSync(join(volumes.get("kept").mountpoint, "file"))).toBe(true);
  expect(existsSync(at(".removing-gone"))).toBe(false);
  database.close();
});

test("names and drivers are checked, and anonymous volumes are labelled", () => {
  const { database, volumes } = open();
  expect(() => volumes.create({ name: "x" })).toThrow("volume name is too short");
  expect(() => volumes.create({ name: "../up" })).toThrow("includes invalid characters for a local volume name");
  expect(() => volumes.create({ name: "ok", driver: "other" })).toThrow('plugin "other" not found');
  const { volume } = volumes.create({});
  expect(volume.anonymous).toBe(true);
  expect(volume.labels).toEqual({ "com.docker.volume.anonymous": "" });
  expect(volume.name).toMatch(/^[0-9a-f]{64}$/);
  database.close();
});
