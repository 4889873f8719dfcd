import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFifo, openFifoForOutput, openFifoReader, type Poller, readInto } from "#linux";
import { openKeeper } from "./keeper.ts";

// Readiness plays no part here.
const poller: Poller = { watch: () => {}, unwatch: () => {}, close: () => {} };
const fail = (error: unknown) => {
  throw error;
};
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-keeper-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keeperPid = () => (JSON.parse(readFileSync(join(folder, "keeper.json"), "utf8")) as { pid: number }).pid;

test("openKeeper() gives a pipe with its bytes back to whoever comes after", () => {
  const first = openKeeper(folder, poller, fail);
  const path = join(folder, "fifo");
  makeFifo(path, 0o600);
  const reader = openFifoReader(path);
  const writer = openFifoForOutput(path);
  first.put("abc", "stdout", reader);
  writeSync(writer, "last words");
  closeSync(writer);
  closeSync(reader);

  const second = openKeeper(folder, poller, fail);
  const kept = second.claim("abc", "stdout");
  expect(second.claim("abc", "stdout")).toBeUndefined();
  const bytes = Buffer.alloc(64);
  expect(readInto(kept ?? -1, bytes)).toBe(10);
  expect(bytes.toString("utf8", 0, 10)).toBe("last words");
  expect(readInto(kept ?? -1, bytes)).toBe(0);
  second.close();
});

test("openKeeper() forgets what was dropped, by name or altogether, and what nobody claimed", () => {
  const first = openKeeper(folder, poller, fail);
  for (const name of ["stdout", "stderr", "stdin"]) first.put("abc", name, 0);
  first.put("def", "stdout", 0);
  first.drop("abc", "stdin");
  const second = openKeeper(folder, poller, fail);
  expect(second.claim("abc", "stdin")).toBeUndefined();
  expect(second.claim("abc", "stdout")).toBeNumber();
  second.dropUnclaimed();
  const third = openKeeper(folder, poller, fail);
  expect(third.claim("abc", "stdout")).toBeNumber();
  expect(third.claim("def", "stdout")).toBeUndefined();
  third.close();
});

test("openKeeper() believes no pid that means another process now", () => {
  writeFileSync(join(folder, "keeper.json"), JSON.stringify({ pid: process.pid, startTime: "1" }));
  const keeper = openKeeper(folder, poller, fail);
  expect(keeperPid()).not.toBe(process.pid);
  expect(keeper.owns(keeperPid())).toBe(true);
  keeper.close();
  expect(existsSync(join(folder, "keeper.json"))).toBe(false);
});
