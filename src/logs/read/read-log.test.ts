import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogReadOptions } from "../contract.ts";
import { shiftLogFiles } from "../write/rotation.ts";
import { readLog } from "./read-log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-read-"));
  path = join(folder, "json.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SECOND = 1_000_000_000n;
const base = 1_700_000_000n * SECOND;
function record(index: number, stream = "stdout"): string {
  const time = new Date(1_700_000_000_000 + index * 1000).toISOString();
  return `${JSON.stringify({ log: `line ${index}\n`, stream, time })}\n`;
}
function records(from: number, to: number): string {
  let text = "";
  for (let index = from; index < to; index++) text += record(index);
  return text;
}

async function read(options: Partial<LogReadOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const { line } of readLog(path, { stdout: true, stderr: true, follow: false, ...options })) {
    lines.push(Buffer.from(line).toString().trimEnd());
  }
  return lines;
}
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

describe("readLog()", () => {
  test("reads rotated files oldest first", async () => {
    writeFileSync(`${path}.2`, records(0, 3));
    writeFileSync(`${path}.1`, records(3, 6));
    writeFileSync(path, records(6, 9));
    expect(await read()).toEqual(names(0, 9));
  });

  test.each([
    [0, 9, 9],
    [1, 8, 9],
    [4, 5, 9],
    [9, 0, 9],
    [100, 0, 9],
  ])("tail %d begins at line %d", async (tail, from, to) => {
    writeFileSync(`${path}.2`, records(0, 3));
    writeFileSync(`${path}.1`, records(3, 6));
    writeFileSync(path, records(6, 9));
    expect(await read({ tail })).toEqual(names(from, to));
  });

  test("tail reaches back over more than one chunk of a large file", async () => {
    writeFileSync(path, records(0, 20_000));
    expect(await read({ tail: 15_000 })).toEqual(names(5000, 20_000));
  });

  test("keeps to since and until, both included", async () => {
    writeFileSync(path, records(0, 10));
    expect(await read({ since: base + 3n * SECOND, until: base + 6n * SECOND })).toEqual(names(3, 7));
  });

  test("gives only the streams asked for", async () => {
    writeFileSync(path, record(0) + record(1, "stderr") + record(2));
    expect(await read({ stdout: false })).toEqual(["line 1"]);
    expect(await read({ stderr: false })).toEqual(["line 0", "line 2"]);
  });

  test("skips what is no record, and a last line that is not finished", async () => {
    const garbage = '{"log":"torn\n\0\0\0\n[1]\n{"log":5,"time":"x"}\nnull\n';
    writeFileSync(path, record(0) + garbage + record(1) + record(2).slice(0, 20));
    expect(await read()).toEqual(["line 0", "line 1"]);
  });

  test("decodes what was escaped, attributes included", async () => {
    const text = 'tab\t "quoted" back\\slash ü \u0001\n';
    writeFileSync(
      path,
      `${JSON.stringify({ log: text, stream: "stdout", attrs: { a: "b" }, time: "2024-01-01T00:00:00Z" })}\n`,
    );
    const seen = [];
    for await (const one of readLog(path, { stdout: true, stderr: true, follow: false })) seen.push(one);
    expect(seen).toHaveLength(1);
    expect(Buffer.from(seen[0]?.line ?? []).toString()).toBe(text);
    expect(seen[0]?.attributes).toEqual({ a: "b" });
  });

  test.each([0, 2, 3, 5, 6, 8, 9])("since line %i over rotated files", async (first) => {
    writeFileSync(`${path}.2`, records(0, 3));
    writeFileSync(`${path}.1`, records(3, 6));
    writeFileSync(path, records(6, 9));
    expect(await read({ since: base + BigInt(first) * SECOND })).toEqual(names(first, 9));
    writeFileSync(path, "");
    expect(await read({ since: base + BigInt(first) * SECOND })).toEqual(names(Math.min(first, 6), 6));
  });

  test("of a log that does not exist is empty", async () => {
    expect(await read()).toEqual([]);
  });

  test("follow goes on through rotations until the end, and misses nothing", async () => {
    writeFileSync(path, records(0, 5));
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const following = read({ follow: true, tail: 2, ended });
    for (let index = 5; index < 40; index++) {
      appendFileSync(path, record(index));
      if (index % 10 === 9) {
        shiftLogFiles(path, 9);
        writeFileSync(path, "");
      }
      await new Promise((done) => setImmediate(done));
    }
    resolve();
    expect(await following).toEqual(names(3, 40));
  });

  test("follow ends at once on a log whose container has ended, and when it is aborted", async () => {
    writeFileSync(path, records(0, 2));
    expect(await read({ follow: true, ended: Promise.resolve() })).toEqual(names(0, 2));
    const abort = new AbortController();
    const following = read({ follow: true, signal: abort.signal });
    setImmediate(() => abort.abort());
    expect(await following).toEqual(names(0, 2));
  });
});
