import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, O, openDirectory, toByteString } from "#linux";
import { createNursery } from "./nursery.ts";

let root: string;
let target: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "berth-nursery-"));
  mkdirSync(join(root, "target"));
  target = openDirectory(toByteString(join(root, "target")));
});
afterEach(() => {
  closeFd(target);
  rmSync(root, { recursive: true, force: true });
});

const flags = O.writeOnly | O.create | O.exclusive | O.noFollow;

/** A nursery for which making a file takes as long as it is told. */
function timed(costs: { ms: number }) {
  let now = 0;
  return createNursery(join(root, "place-"), () => (now += costs.ms / 2));
}

function make(nursery: ReturnType<typeof createNursery>, name: string): number {
  const fd = nursery.open(target, name, flags, 0o640);
  if (fd >= 0) closeSync(fd);
  return fd;
}

const places = () => readdirSync(root).filter((name) => name.startsWith("place-")).length;

test("createNursery() makes files where they belong as long as that is quick", () => {
  const nursery = timed({ ms: 0.02 });
  for (let index = 0; index < 100; index++) expect(make(nursery, `f${index}`)).toBeGreaterThan(0);
  expect(places()).toBe(0);
  nursery.close();
  expect(readdirSync(join(root, "target"))).toHaveLength(100);
});

test("createNursery() looks for another place when it is slow, and every file is where it belongs", () => {
  const costs = { ms: 0.5 };
  const nursery = timed(costs);
  for (let index = 0; index < 40; index++) make(nursery, `slow${index}`);
  expect(places()).toBe(2);
  costs.ms = 0.02;
  for (let index = 0; index < 40; index++) make(nursery, `quick${index}`);
  expect(places()).toBe(2);
  expect(readdirSync(join(root, "target"))).toHaveLength(80);
  expect(lstatSync(join(root, "target/quick39")).mode & 0o777).toBe(0o640);
  // A name that is taken stays as it is, whatever it is.
  writeFileSync(join(root, "target/taken"), "kept");
  symlinkSync("/etc/passwd", join(root, "target/link"));
  expect([make(nursery, "taken"), make(nursery, "link")]).toEqual([-17, -17]);
  expect(lstatSync(join(root, "target/taken")).size).toBe(4);
  expect(lstatSync(join(root, "target/link")).isSymbolicLink()).toBe(true);
  nursery.close();
  expect(places()).toBe(0);
});

test("createNursery() gives up where everything is slow", () => {
  const nursery = timed({ ms: 0.5 });
  for (let index = 0; index < 1000; index++) make(nursery, `f${index}`);
  expect(places()).toBe(12);
  expect(readdirSync(join(root, "target"))).toHaveLength(1000);
  nursery.close();
  expect(readdirSync(root)).toEqual(["target"]);
});

test("createNursery() goes on where no other place can be made", () => {
  writeFileSync(join(root, "no-directory"), "");
  let now = 0;
  const nursery = createNursery(join(root, "no-directory/place-"), () => (now += 1));
  for (let index = 0; index < 100; index++) expect(make(nursery, `f${index}`)).toBeGreaterThan(0);
  nursery.close();
  expect(readdirSync(join(root, "target"))).toHaveLength(100);
});
