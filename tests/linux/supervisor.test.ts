import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import { readLog } from "#logs";
import { createStdioDemuxer } from "#wire";
import { type Bench, config, memoryOf, openBench, readAll } from "./supervisor/bench.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench("crun");
});
afterAll(() => bench.close());

const everything = { stdin: false, stdout: true, stderr: true, wait: true } as const;

function demux(bytes: Buffer): { stdout: string; stderr: string } {
  const seen = { stdout: "", stderr: "" };
  const demuxer = createStdioDemuxer((stream, piece) => {
    seen[stream === 2 ? "stderr" : "stdout"] += Buffer.from(piece).toString("latin1");
  });
  demuxer.push(bytes);
  expect(demuxer.isAtBoundary()).toBe(true);
  return seen;
}

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const record of readLog(path, { stdout: true, stderr: true, follow: false })) {
    lines.push(Buffer.from(record.line).toString());
  }
  return lines;
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "it did not reject",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

function firstDifference(seen: readonly string[], expected: readonly string[]): string {
  const at = expected.findIndex((line, index) => seen[index] !== line);
  if (at < 0 && seen.length === expected.length) return "";
  return `${seen.length} lines for ${expected.length}; at ${at}: ${seen.slice(at - 1, at + 2).join("")}`;
}

async function killSupervisor(): Promise<void> {
  const pid = bench.supervisorPid();
  const back = new Promise<void>((resolve) => {
    const stop = bench.client.onReconnect(() => {
      stop();
      resolve();
    });
  });
  process.kill(pid, "SIGKILL");
  await back;
  expect(bench.supervisorPid()).not.toBe(pid);
}

describe("a container's end", () => {
  test.each([0, 1, 7, 255])("exit code %d", async (code) => {
    const { id } = await bench.run(["sh", "-c", `exit ${code}`]);
    expect((await bench.exit(id)).exitCode).toBe(code);
  });

  test("a signal is 128 + its number", async () => {
    const { id } = await bench.run(["sleep", "100"]);
    await bench.client.signal(id, 9);
    expect((await bench.exit(id)).exitCode).toBe(137);
    expect(await rejection(bench.client.signal(id, 9))).toMatch(/No process/);
  });

  test("twenty that end at once all give their code, and leave nothing", async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => (await bench.run(["sh", "-c", `exit ${index}`])).id),
    );
    for (const [index, id] of ids.entries()) expect((await bench.exit(id)).exitCode).toBe(index);
    for (const id of ids) await bench.client.forget(id);
    const left = readdirSync(join(bench.root, "state/containers"));
    expect(left.filter((id) => ids.includes(id))).toEqual([]);
    expect(readdirSync(join(bench.root, "runtime")).filter((id) => ids.includes(id))).toEqual([]);
  });

  test("a command that does not exist is the runtime's error, and its words do not reach the output", async () => {
    const request = bench.request(["/no/such/program"]);
    const stream = await bench.client.attach({ id: request.id, ...everything });
    const output = readAll(stream);
    expect(await rejection(bench.client.run(request))).toMatch(/no such file|not found/i);
    expect((await output).length).toBe(0);
    expect((await bench.client.list()).some(({ id }) => id === request.id)).toBe(false);
    expect(existsSync(join(bench.root, "state/containers", request.id))).toBe(false);
  });
});

describe("output", () => {
  test("reaches the log by stream, an unfinished last line included", async () => {
    const { id, logPath } = await bench.run(["sh", "-c", "echo one; echo two >&2; printf three"]);
    await bench.exit(id);
    expect((await linesOf(logPath)).sort()).toEqual(["one\n", "three", "two\n"]);
    expect(statSync(logPath).mode & 0o777).toBe(0o640);
  });

  test("attach before run gets the first byte, and so do several", async () => {
    const request = bench.request(["sh", "-c", "echo out; echo err >&2"]);
    const streams = await Promise.all([0, 1, 2].map(() => bench.client.attach({ id: request.id, ...everything })));
    const all = streams.map(readAll);
    await bench.client.run(request);
    for (const bytes of await Promise.all(all)) expect(demux(bytes)).toEqual({ stdout: "out\n", stderr: "err\n" });
    // The event comes before the streams end.
    expect(bench.exits.has(request.id)).toBe(true);
  });

  test("an attacher that asked for stdout alone gets nothing else", async () => {
    const request = bench.request(["sh", "-c", "echo out; echo err >&2"]);
    const stream = await bench.client.attach({ ...everything, id: request.id, stderr: false });
    const all = readAll(stream);
    await bench.client.run(request);
    expect(demux(await all)).toEqual({ stdout: "out\n", stderr: "" });
  });

  test("attach to what does not run is an error unless it waits", async () => {
    expect(await rejection(bench.client.attach({ ...everything, id: newId(), wait: false }))).toMatch(/No process/);
  });

  test("a client that does not read stops its container and no other", async () => {
    const slow = { ...bench.request(["sh", "-c", "yes | head -c 20000000"]), log: { driver: "none" } as const };
    const stream = await bench.client.attach({ id: slow.id, ...everything });
    stream.pause();
    await bench.client.run(slow);
    const other = await bench.run(["sh", "-c", "seq 1 1000"]);
    await bench.exit(other.id);
    expect(await linesOf(other.logPath)).toHaveLength(1000);
    expect(bench.exits.has(slow.id)).toBe(false);
    const all = readAll(stream);
    expect(demux(await all).stdout.length).toBe(20_000_000);
  });
});

describe("input", () => {
  const open = { openStdin: true, stdinOnce: true } as const;

  test("half-close ends stdin, and output still comes", async () => {
    const request = bench.request(["sh", "-c", "cat; echo done"], { streams: open });
    const stream = await bench.client.attach({ ...everything, id: request.id, stdin: true });
    const all = readAll(stream);
    await bench.client.run(request);
    stream.end("hello\n");
    expect(demux(await all).stdout).toBe("hello\ndone\n");
    expect((await bench.exit(request.id)).exitCode).toBe(0);
  });

  test("without stdinOnce the end of an attacher leaves stdin open", async () => {
    const request = bench.request(["cat"], { streams: { openStdin: true } });
    const first = await bench.client.attach({ ...everything, id: request.id, stdin: true });
    const second = await bench.client.attach({ ...everything, id: request.id, stdin: true });
    const chunks: Buffer[] = [];
    const shown = new Map(["one\n", "two\n"].map((text) => [text, Promise.withResolvers<void>()]));
    second.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      for (const [text, { resolve }] of shown) if (demux(Buffer.concat(chunks)).stdout.includes(text)) resolve();
    });
    const end = new Promise((resolve) => second.once("end", resolve));
    await bench.client.run(request);
    first.resume();
    first.end("one\n");
    await shown.get("one\n")?.promise;
    second.write("two\n");
    await shown.get("two\n")?.promise;
    await bench.client.closeStdin(request.id);
    await end;
    expect(demux(Buffer.concat(chunks)).stdout).toBe("one\ntwo\n");
  });

  test("1 GB through cat is byte-exact with flat memory", async () => {
    const request = bench.request(["cat"], { streams: open });
    const quiet = { ...request, log: { driver: "none" } as const };
    const stream = await bench.client.attach({ ...everything, id: request.id, stdin: true });
    await bench.client.run(quiet);
    const pid = bench.supervisorPid();
    const before = memoryOf(pid);
    const total = 1024 * 1024 * 1024;
    const chunk = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
    const sent = createHash("md5");
    const received = createHash("md5");
    let bytes = 0;
    let peak = 0;
    const demuxer = createStdioDemuxer((_, piece) => {
      received.update(piece);
      bytes += piece.length;
    });
    const reading = (async () => {
      for await (const piece of stream) demuxer.push(piece as Buffer);
    })();
    const started = performance.now();
    let peakOfFirstQuarter = 0;
    for (let done = 0; done < total; done += chunk.length) {
      sent.update(chunk);
      if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve));
      if (done % (64 * 1024 * 1024) === 0) peak = Math.max(peak, memoryOf(pid).rss);
      if (done === total / 4) peakOfFirstQuarter = peak;
    }
    stream.end();
    await reading;
    const seconds = (performance.now() - started) / 1000;
    const after = memoryOf(pid);
    console.log(
      `1 GiB through cat: ${Math.round(total / 1e6 / seconds)} MB/s; supervisor RSS before ${before.rss}, peak ${peak}, after ${after.rss} MB`,
    );
    expect(bytes).toBe(total);
    expect(received.digest("hex")).toBe(sent.digest("hex"));
    // Not a function of the bytes that pass: buffers grow with the first of them and then no more.
    expect(peakOfFirstQuarter).toBeGreaterThan(0);
    expect(peak - peakOfFirstQuarter).toBeLessThan(32);
    expect(peak - before.rss).toBeLessThan(96);
  }, 120_000);
});

describe("a terminal", () => {
  const terminal = { terminal: true, openStdin: true, consoleSize: { height: 33, width: 101 } } as const;

  test("has the size it was given, and takes another", async () => {
    const request = bench.request(["sh", "-c", "stty size; read x; stty size"], { streams: terminal });
    const stream = await bench.client.attach({ ...everything, id: request.id, stdin: true });
    await bench.client.run(request);
    let text = "";
    const { promise: sized, resolve } = Promise.withResolvers<void>();
    const ended = new Promise((done) => stream.once("end", done));
    stream.on("data", (piece: Buffer) => {
      text += piece.toString();
      if (text.includes("33 101")) resolve();
    });
    await Promise.race([sized, ended]);
    expect(text).toContain("33 101");
    await bench.client.resize(request.id, { height: 44, width: 55 });
    stream.write("\n");
    await ended;
    expect(text).toContain("44 55");
  });

  test("survives kill -9 of the supervisor", async () => {
    const request = bench.request(["sh"], { streams: terminal });
    await bench.client.run(request);
    await killSupervisor();
    expect((await bench.client.list()).find(({ id }) => id === request.id)?.exit).toBeUndefined();
    const stream = await bench.client.attach({ ...everything, id: request.id, stdin: true, wait: false });
    const all = readAll(stream);
    stream.write("echo still $((40+2)); exit 3\n");
    expect((await all).toString()).toContain("still 42");
    expect(await bench.exit(request.id)).toMatchObject({ exitCode: 3 });
  });
});

describe("exec", () => {
  test("runs beside the init, with its own streams and exit code; end of stdin closes it", async () => {
    const { id, request } = await bench.run(["sleep", "100"]);
    const execId = newId();
    const processFile = join(bench.root, `${execId}.json`);
    const document = config("", ["sh", "-c", "cat; echo oops >&2; exit 5"], false, undefined, "") as {
      process: unknown;
    };
    await Bun.write(processFile, JSON.stringify(document.process));
    const streams = { terminal: false, openStdin: true, stdinOnce: false };
    const stream = await bench.client.attach({ ...everything, id: execId, stdin: true });
    const all = readAll(stream);
    await bench.client.exec({ id: execId, containerId: id, processFile, runtime: request.runtime, streams });
    stream.end("in\n");
    expect(demux(await all)).toEqual({ stdout: "in\n", stderr: "oops\n" });
    expect(await bench.exit(execId)).toMatchObject({ exitCode: 5, containerId: id });
    await bench.client.signal(id, 9);
    await bench.exit(id);
    await bench.client.forget(id);
    expect((await bench.client.list()).some((one) => one.id === execId)).toBe(false);
  });
});

describe("kill -9 of the supervisor", () => {
  test("loses and doubles no line of a container that counts", async () => {
    const program = "i=0; while [ $i -lt 60000 ]; do echo line $i; i=$((i+1)); done";
    const { id, logPath } = await bench.run(["sh", "-c", program], { log: { maxSizeBytes: 200_000, maxFiles: 40 } });
    const followed: string[] = [];
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const following = (async () => {
      for await (const record of readLog(logPath, { stdout: true, stderr: true, follow: true, ended })) {
        followed.push(Buffer.from(record.line).toString());
      }
    })();
    for (let round = 0; round < 6 && !bench.exits.has(id); round++) {
      await Bun.sleep(30 + 37 * round);
      await killSupervisor();
    }
    const exit = await bench.exit(id);
    end();
    await following;
    expect(exit.exitCode).toBe(0);
    const expected = Array.from({ length: 60_000 }, (_, index) => `line ${index}\n`);
    // Compared as text: a diff of so many lines says nothing.
    expect(firstDifference(await linesOf(logPath), expected)).toBe("");
    expect(firstDifference(followed, expected)).toBe("");
    expect(existsSync(`${logPath}.1`)).toBe(true);
  }, 120_000);

  test("the end of the process with the supervisor dead at that very time is still known", async () => {
    const { id, logPath } = await bench.run(["sh", "-c", "echo a; sleep 0.3; echo b; exit 11"]);
    const pid = bench.supervisorPid();
    process.kill(pid, "SIGSTOP");
    await Bun.sleep(600);
    await killSupervisor();
    expect(await bench.exit(id)).toMatchObject({ exitCode: 11 });
    expect(await linesOf(logPath)).toEqual(["a\n", "b\n"]);
  });

  test("stdin stays open, and its end still ends it", async () => {
    const request = bench.request(["cat"], { streams: { openStdin: true, stdinOnce: true } });
    await bench.client.run(request);
    await killSupervisor();
    const stream = await bench.client.attach({ ...everything, id: request.id, stdin: true, wait: false });
    const all = readAll(stream);
    stream.end("after\n");
    expect(demux(await all).stdout).toBe("after\n");
    expect((await bench.exit(request.id)).exitCode).toBe(0);
  });

  test("a second supervisor of one state root refuses", async () => {
    const role = join(import.meta.dir, "supervisor/role.ts");
    const second = Bun.spawn([process.execPath, role, join(bench.root, "t.sock"), join(bench.root, "state")], {
      stderr: "pipe",
    });
    expect(await new Response(second.stderr).text()).toContain("Another supervisor holds");
    expect(await second.exited).not.toBe(0);
  });
});

test("figures: memory at rest", () => {
  const pid = bench.supervisorPid();
  console.log("supervisor at rest", memoryOf(pid), "descriptors", readdirSync(`/proc/${pid}/fd`).length);
  expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(String(pid));
});
