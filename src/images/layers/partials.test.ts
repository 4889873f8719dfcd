import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "#base";
import { openPartialBlobs } from "./partials.ts";

const kilobytes = (count: number, byte = 1) => Buffer.alloc(count * 1024, byte);
const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

let root: string;
let kept: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "berth-partials-"));
  kept = join(root, "partial");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A layer's directory as a kill leaves it. */
function halfDone(letter: string, bytes: Buffer): string {
  const directory = mkdtempSync(join(root, "layer-"));
  mkdirSync(join(directory, "packed"));
  writeFileSync(join(directory, "packed", letter.repeat(64)), bytes);
  return directory;
}

test("the larger of two tries is kept, and read to where it was", async () => {
  const partials = openPartialBlobs(kept);
  partials.salvage(halfDone("a", kilobytes(100)));
  partials.salvage(halfDone("a", kilobytes(80, 2)));
  const found = partials.find(digest("a"), 500 * 1024);
  expect(found?.sizeBytes).toBe(100 * 1024);
  const chunks: Uint8Array[] = [];
  for await (const chunk of found?.open() ?? []) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(kilobytes(100))).toBe(true);
  partials.salvage(halfDone("a", kilobytes(120, 3)));
  expect(partials.find(digest("a"), 500 * 1024)?.sizeBytes).toBe(120 * 1024);
  // More than the blob has is none of it.
  expect(partials.find(digest("a"), 110 * 1024)).toBeUndefined();
  partials.drop(digest("a"));
  expect(partials.find(digest("a"), 500 * 1024)).toBeUndefined();
});

test("little is not kept, nor what is no blob's, nor a directory without any", () => {
  const partials = openPartialBlobs(kept);
  partials.salvage(halfDone("a", kilobytes(3)));
  const odd = halfDone("b", kilobytes(100));
  writeFileSync(join(odd, "packed", "..name"), kilobytes(100));
  mkdirSync(join(odd, "packed", "c".repeat(64)));
  partials.salvage(odd);
  partials.salvage(join(root, "nowhere"));
  expect(readdirSync(kept)).toEqual(["b".repeat(64)]);
});

test("what is old or too much goes, the oldest first", () => {
  const partials = openPartialBlobs(kept, { mostBytes: 250 * 1024 });
  for (const [index, letter] of ["a", "b", "c"].entries()) {
    partials.salvage(halfDone(letter, kilobytes(100)));
    const then = Date.now() / 1000 - 100 + index;
    if (letter !== "c") utimesSync(join(kept, letter.repeat(64)), then, then);
  }
  const sizes = () => ["a", "b", "c"].map((letter) => partials.find(digest(letter), 1 << 30)?.sizeBytes ?? 0);
  expect(sizes()).toEqual([0, 102_400, 102_400]);
  const yesterday = Date.now() / 1000 - 25 * 3600;
  utimesSync(join(kept, "b".repeat(64)), yesterday, yesterday);
  expect(partials.sweep()).toBe(102_400);
  expect(sizes()).toEqual([0, 0, 102_400]);
  expect(partials.sweep(true)).toBe(102_400);
  expect(readdirSync(kept)).toEqual([]);
});
