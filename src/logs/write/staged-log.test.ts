import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { LogReadOptions } from "../contract.ts";
import { readLog } from "../read/read-log.ts";
import { openCommitMark } from "./commit-mark.ts";
import { createRotatedCompressor } from "./compress.ts";
import { logFiles, shiftLogFiles } from "./rotation.ts";
import { openStagedLog, type StagedLogOptions } from "./staged-log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-log-"));
  mkdirSync(join(folder, "staging"));
  path = join(folder, "logs/json.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failures: unknown[] = [];
const open = (options: Partial<StagedLogOptions> = {}) =>
  openStagedLog({
    directory: join(folder, "staging"),
    path,
    maxFiles: 1,
    onError: (e) => failures.push(e),
    ...options,
  });

async function read(options: Partial<LogReadOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const record of readLog(path, { stdout: true, stderr: true, follow: false, ...options })) {
    lines.push(Buffer.from(record.line).toString());
  }
  return lines;
}

describe("openStagedLog()", () => {
  test("writes Docker's json-file records", () => {
    const log = open({ attributes: { label: "x" } });
    log.take("stderr", Buffer.from('say "hi"\\\n'));
    log.commit("stderr");
    const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    expect(record).toMatchObject({ log: 'say "hi"\\\n', stream: "stderr", attrs: { label: "x" } });
    expect(String(record["time"])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    log.finish();
  });

  test("holds an unfinished line back until it ends or the process does", async () => {
    const log = open();
    log.take("stdout", Buffer.from("a"));
    log.commit("stdout");
    expect(await read()).toEqual([]);
    log.take("stdout", Buffer.from("b\nc"));
    log.commit("stdout");
    expect(await read()).toEqual(["ab\n"]);
    log.finish();
    expect(await read()).toEqual(["ab\n", "c"]);
  });

  test("goes on where a writer was killed: nothing committed is repeated, nothing staged is lost", async () => {
    const killed = open();
    killed.take("stdout", Buffer.from("one\ntwo\nthr"));
    killed.commit("stdout");
    killed.take("stdout", Buffer.from("ee\nfour"));
    killed.take("stderr", Buffer.from("oops\n"));
    const next = open();
    expect((await read()).sort()).toEqual(["one\n", "oops\n", "three\n", "two\n"]);
    next.finish();
    expect((await read()).sort()).toEqual(["four", "one\n", "oops\n", "three\n", "two\n"]);
  });

  test.each([1, 30, 75, 76, 100, 151])(
    "rewrites a batch that was cut off after %d bytes, byte for byte",
    async (cut) => {
      const killed = open();
      killed.take("stdout", Buffer.from("zero\n"));
      killed.commit("stdout");
      const markPath = join(folder, "staging/log.mark");
      const mark = readFileSync(markPath);
      const before = statSync(path).size;
      killed.take("stdout", Buffer.from("one\ntwo\n"));
      killed.commit("stdout");
      // As if the kill had come after part of the write, before the mark.
      writeFileSync(markPath, mark);
      const whole = readFileSync(path);
      truncateSync(path, Math.min(before + cut, whole.length));
      open().finish();
      expect(await read()).toEqual(["zero\n", "one\n", "two\n"]);
      // A reader that had seen a whole record sees the same one again, in the same place.
      if (cut > 80) expect(readFileSync(path).equals(whole)).toBe(true);
    },
  );

  test("knows that staging was emptied before the mark said so", async () => {
    const killed = open();
    killed.take("stdout", Buffer.from("one\n"));
    killed.commit("stdout");
    truncateSync(join(folder, "staging/stdout.staged"), 0);
    const next = open();
    next.take("stdout", Buffer.from("two\n"));
    next.commit("stdout");
    next.finish();
    expect(await read()).toEqual(["one\n", "two\n"]);
  });

  test("rotates between records, each file within its size, and drops the oldest", async () => {
    const log = open({ maxSizeBytes: 1000, maxFiles: 3 });
    for (let index = 0; index < 100; index++) {
      log.take("stdout", Buffer.from(`line ${index}\n`));
      log.commit("stdout");
    }
    log.take("stdout", Buffer.from(Array.from({ length: 100 }, (_, index) => `line ${100 + index}\n`).join("")));
    log.commit("stdout");
    log.finish();
    expect(logFiles(path)).toEqual([`${path}.2`, `${path}.1`, path]);
    for (const file of logFiles(path)) expect(statSync(file).size).toBeLessThanOrEqual(1000);
    const lines = await read();
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, index) => `line ${200 - lines.length + index}\n`));
    expect(lines.length).toBeGreaterThan(20);
  });

  test("with one file only starts over", async () => {
    const log = open({ maxSizeBytes: 500, maxFiles: 1 });
    for (let index = 0; index < 50; index++) {
      log.take("stdout", Buffer.from(`line ${index}\n`));
      log.commit("stdout");
    }
    log.finish();
    expect(logFiles(path)).toEqual([path]);
    expect((await read()).at(-1)).toBe("line 49\n");
  });

  test("goes on with a rotation that was cut off anywhere", async () => {
    const log = open({ maxSizeBytes: 300, maxFiles: 4 });
    for (let index = 0; index < 12; index++) {
      log.take("stdout", Buffer.from(`line ${index}\n`));
      log.commit("stdout");
    }
    const before = await read();
    // Moved out of the way, and killed before the new file was made.
    shiftLogFiles(path, 4);
    shiftLogFiles(path, 4);
    const next = open({ maxSizeBytes: 300, maxFiles: 4 });
    next.take("stdout", Buffer.from("after\n"));
    next.commit("stdout");
    next.finish();
    const after = await read();
    expect(after.at(-1)).toBe("after\n");
    expect(before.slice(-(after.length - 1))).toEqual(after.slice(0, -1));
  });

  test("says how many records were lost once writing works again", async () => {
    failures.length = 0;
    mkdirSync(path, { recursive: true });
    const log = open();
    log.take("stdout", Buffer.from("lost 1\nlost 2\n"));
    log.commit("stdout");
    rmSync(path, { recursive: true });
    log.take("stdout", Buffer.from("kept\n"));
    log.commit("stdout");
    log.finish();
    expect(failures.length).toBeGreaterThan(0);
    const lines = await read();
    expect(lines[0]).toContain("2 log records were lost");
    expect(lines[1]).toBe("kept\n");
  });

  test("goes on at the end of a file that somebody emptied", async () => {
    const log = open();
    log.take("stdout", Buffer.from("one\n"));
    log.commit("stdout");
    truncateSync(path, 0);
    log.take("stdout", Buffer.from("two\n"));
    log.commit("stdout");
    log.finish();
    expect(readFileSync(path).includes(0)).toBe(false);
    expect(await read()).toEqual(["two\n"]);
  });

  test("does not lose its first record to what a power cut tore", async () => {
    open().finish();
    appendFileSync(path, '{"log":"torn');
    const log = open();
    log.take("stdout", Buffer.from("good\n"));
    log.finish();
    expect(await read()).toEqual(["good\n"]);
  });
});

describe("createRotatedCompressor()", () => {
  test("compresses rotated files, which are read like the others", async () => {
    const log = open({ maxSizeBytes: 1000, maxFiles: 5 });
    for (let index = 0; index < 40; index++) {
      log.take("stdout", Buffer.from(`line ${index}\n`));
      log.commit("stdout");
    }
    log.finish();
    const before = await read();
    const compressor = createRotatedCompressor(path, (error) => {
      throw error;
    });
    compressor.poke();
    await compressor.idle();
    const names = logFiles(path);
    expect(names.slice(0, -1).every((name) => name.endsWith(".gz"))).toBe(true);
    expect(gunzipSync(readFileSync(names[0] ?? "")).toString()).toContain("line 0");
    expect(await read()).toEqual(before);
    expect(await read({ tail: 20 })).toEqual(before.slice(-20));
  });
});

describe("createRotatedCompressor() while files move", () => {
  test("compresses the file it began with, under the name that has now", async () => {
    mkdirSync(join(folder, "logs"));
    const line = (text: string) => `{"log":"${text}\\n","stream":"stdout","time":"2026-01-01T00:00:0${text}Z"}\n`;
    writeFileSync(`${path}.1`, line("1"));
    writeFileSync(path, line("2"));
    const compressor = createRotatedCompressor(path, (error) => failures.push(error));
    compressor.poke();
    shiftLogFiles(path, 5);
    writeFileSync(path, line("3"));
    await compressor.idle();
    expect(await read()).toEqual(["1\n", "2\n", "3\n"]);
  });
});

describe("openCommitMark()", () => {
  test("gives back what was written, and nothing for a file that is none", () => {
    const markPath = join(folder, "mark");
    expect(openCommitMark(markPath).read()).toBeUndefined();
    const mark = { inode: 12, logBytes: 2 ** 40, consumed: { stdout: 3, stderr: 4 }, lost: 5 };
    openCommitMark(markPath).write(mark);
    expect(openCommitMark(markPath).read()).toEqual(mark);
  });
});
