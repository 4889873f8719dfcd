import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spreadDirectoriesIn } from "#linux";
import { mustRun, runCommand } from "../engines/command.ts";

const base = mkdtempSync(join(tmpdir(), "berth-spread-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

test("spreadDirectoriesIn() marks a directory where the file system knows the mark, and nothing below it", async () => {
  const fileSystem = (await mustRun(["stat", "-f", "-c", "%T", base])).trim();
  const isMarked = spreadDirectoriesIn(base);
  expect(spreadDirectoriesIn(base)).toBe(isMarked);
  if (fileSystem.startsWith("ext")) expect(isMarked).toBe(true);
  mkdirSync(join(base, "inside"));
  const flagsOf = async (path: string) => (await runCommand(["lsattr", "-d", path])).stdout.split(" ")[0] ?? "";
  expect((await flagsOf(base)).includes("T")).toBe(isMarked);
  expect((await flagsOf(join(base, "inside"))).includes("T")).toBe(false);
});
