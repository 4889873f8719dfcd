import { afterAll, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveStream } from "./save-stream.ts";

const directory = mkdtempSync(join(tmpdir(), "berth-save-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function* bytes(text: string, failure?: Error): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  if (failure !== undefined) throw failure;
}

test("saveStream() writes a file when it is whole, and nothing otherwise", async () => {
  const path = join(directory, "file");
  await saveStream(path, async () => bytes("whole"));
  expect(readFileSync(path, "utf8")).toBe("whole");
  expect(saveStream(path, async () => bytes("half", new Error("broken")))).rejects.toThrow("broken");
  expect(readFileSync(path, "utf8")).toBe("whole");
  expect(readdirSync(directory)).toEqual(["file"]);
});

test("saveStream() writes to what is no file, and through links, without replacing them", async () => {
  const target = join(directory, "target");
  const link = join(directory, "link");
  writeFileSync(target, "before");
  symlinkSync(target, link);
  await saveStream(link, async () => bytes("after"));
  expect([lstatSync(link).isSymbolicLink(), readFileSync(target, "utf8")]).toEqual([true, "after"]);
  // A device: a link to the null device stands for it, so that a mistake here breaks nothing.
  const device = join(directory, "device");
  symlinkSync("/dev/null", device);
  await saveStream(device, async () => bytes("gone"));
  expect(lstatSync(device).isSymbolicLink()).toBe(true);
  expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
});
