import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatRfc3339Nano } from "#base";
import type { LogRecord } from "../contract.ts";
import { forwardLog } from "./forward-log.ts";
import { gelfChunks } from "./gelf.ts";
import { journalEntry, journalFieldName } from "./journald.ts";
import { createMessages } from "./message.ts";
import { readPosition } from "./position.ts";
import type { LogSender, RemoteDriver } from "./sender.ts";
import { formatSyslog } from "./syslog.ts";

const nanoseconds = 1_000_000_000n;

describe("formatSyslog()", () => {
  const message = {
    priority: 30,
    time: 1_700_000_000n * nanoseconds + 123_456_789n,
    hostname: "box",
    tag: "web",
    text: "hi",
  };
  test.each([
    ["rfc5424", `<30>1 2023-11-14T22:13:20Z box web ${process.pid} web - hi\n`],
    ["rfc5424micro", `<30>1 2023-11-14T22:13:20.123456Z box web ${process.pid} web - hi\n`],
  ] as const)("%s", (format, text) => {
    expect(formatSyslog(format, message)).toBe(text);
  });

  test("the older formats have local time", () => {
    expect(formatSyslog("rfc3164", message)).toMatch(/^<30>Nov 1[45] \d\d:\d\d:20 box web\[\d+\]: hi\n$/);
    expect(formatSyslog("unix", message)).toMatch(/^<30>Nov 1[45] \d\d:\d\d:20 web\[\d+\]: hi\n$/);
  });
});

describe("gelfChunks()", () => {
  test("cuts what one datagram does not hold, and gives up beyond 128", () => {
    expect(gelfChunks(Buffer.alloc(1420))?.length).toBe(1);
    const chunks = gelfChunks(Buffer.alloc(3000, "x")) ?? [];
    expect(chunks.map((chunk) => chunk.length)).toEqual([1420, 1420, 3000 - 2 * 1408 + 12]);
    expect(chunks.map((chunk) => [...chunk.subarray(0, 2), ...chunk.subarray(10, 12)])).toEqual([
      [0x1e, 0x0f, 0, 3],
      [0x1e, 0x0f, 1, 3],
      [0x1e, 0x0f, 2, 3],
    ]);
    expect(gelfChunks(Buffer.alloc(128 * 1408 + 1))).toBeUndefined();
  });
});

describe("journalEntry()", () => {
  test("writes fields on lines, and values with newlines by their length", () => {
    const entry = journalEntry({ MESSAGE: "a\nb", PRIORITY: "6", "": "left out" });
    expect(entry.toString("latin1")).toBe("MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=6\n");
  });
  test("names fields as the journal takes them", () => {
    expect(journalFieldName("_com.example-team")).toBe("COM_EXAMPLE_TEAM");
  });
});

describe("createMessages()", () => {
  test("numbers the parts of one long line, per stream", () => {
    const toMessage = createMessages();
    const record = (text: string, stream: "stdout" | "stderr" = "stdout"): LogRecord => ({
      time: 0n,
      stream,
      line: Buffer.from(text),
    });
    const long = "x".repeat(16 * 1024);
    const parts = [
      record(long),
      record("whole\n", "stderr"),
      record(long),
      record("end\n"),
      record("next\n"),
      record("last"),
    ];
    expect(parts.map((part) => toMessage(part).partial).map((part) => part && [part.ordinal, part.last])).toEqual([
      [1, false],
      undefined,
      [2, false],
      [3, true],
      undefined,
      undefined,
    ]);
  });
});

describe("forwardLog()", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-forward-"));
    path = join(folder, "log");
    writeFileSync(path, "");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (from: number, to: number) => {
    let text = "";
    // Two records of one time, as a batch has.
    for (let number = from; number <= to; number++) {
      const time = formatRfc3339Nano(BigInt(1000 + Math.trunc(number / 2)) * nanoseconds);
      text += `{"log":"${number}\\n","stream":"stdout","time":"${time}"}\n`;
    }
    appendFileSync(path, text);
  };

  /** A destination in memory; fails as often as told. */
  function fakeDriver(options: { failures?: number; refuses?: number; attempts?: number } = {}) {
    const seen: number[] = [];
    let { failures = 0, refuses = 0 } = options;
    const sender: LogSender = {
      send: async (records) => {
        if (failures-- > 0) throw new Error("broken");
        for (const { line } of records) seen.push(Number(Buffer.from(line).toString()));
      },
      close: () => {},
    };
    const driver: RemoteDriver = {
      connect: async () => {
        if (refuses-- > 0) throw new Error("refused");
        return sender;
      },
      retry: { waitMs: 1, maxWaitMs: 1, attempts: options.attempts ?? Infinity },
      connectsLater: false,
      bufferRecords: Infinity,
    };
    return { driver, seen };
  }
  const forward = (driver: RemoteDriver, ended: Promise<void>, dropsWhenFull = false, errors: string[] = []) =>
    forwardLog({
      path,
      positionPath: join(folder, "position"),
      driver,
      delivery: { dropsWhenFull, bufferBytes: dropsWhenFull ? 4 : 1024 },
      ended,
      onError: (message) => errors.push(message),
    });
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  test("sends what is there and what comes, and goes on where it stopped", async () => {
    const { driver, seen } = fakeDriver();
    write(1, 5);
    const first = forward(driver, new Promise(() => {}));
    while (seen.length < 5) await Bun.sleep(1);
    await first.stop();
    expect(readPosition(join(folder, "position"))).toMatchObject({ complete: false });
    write(6, 9);
    const second = forward(driver, Promise.resolve());
    await second.done;
    expect(seen).toEqual(range(1, 9));
    expect(readPosition(join(folder, "position"))).toMatchObject({ complete: true });
  });

  test("a run that begins takes back that everything was sent", async () => {
    const { driver } = fakeDriver();
    write(1, 2);
    await forward(driver, Promise.resolve()).done;
    expect(readPosition(join(folder, "position"))?.complete).toBe(true);
    const next = forward(driver, new Promise(() => {}));
    expect(readPosition(join(folder, "position"))?.complete).toBe(false);
    await next.stop();
  });

  test("connects again and sends again what was not taken", async () => {
    const errors: string[] = [];
    const { driver, seen } = fakeDriver({ failures: 3, refuses: 2 });
    write(1, 20);
    await forward(driver, Promise.resolve(), false, errors).done;
    expect(seen).toEqual(range(1, 20));
    expect(errors).toEqual(["refused"]);
  });

  test("gives records up after as many attempts as it may, and goes on", async () => {
    const errors: string[] = [];
    const { driver, seen } = fakeDriver({ failures: 2, attempts: 2 });
    write(1, 1);
    await forward(driver, Promise.resolve(), false, errors).done;
    expect(errors.at(-1)).toMatch(/given up after 2 attempts/);
    write(2, 4);
    await forward(driver, Promise.resolve()).done;
    expect(seen).toEqual([2, 3, 4]);
  });

  test("what a destination keeps back comes again with more, and alone when nothing comes or all is over", async () => {
    const asked: string[] = [];
    const took: number[] = [];
    const sender: LogSender = {
      send: async (records, { isLast }) => {
        const numbers = records.map(({ line }) => Number(Buffer.from(line).toString()));
        asked.push(`${numbers.join()}${isLast ? " last" : ""}`);
        const taken = isLast ? numbers : numbers.slice(0, -1);
        took.push(...taken);
        return taken.length;
      },
      keepsMs: 20,
      close: () => {},
    };
    const driver: RemoteDriver = { ...fakeDriver().driver, connect: async () => sender };
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    write(1, 3);
    const forwarding = forward(driver, ended);
    while (took.length < 3) await Bun.sleep(1);
    expect(asked.at(-1)).toBe("3 last");
    write(4, 5);
    end();
    await forwarding.done;
    expect(took).toEqual(range(1, 5));
    expect(asked.at(-1)).toEndWith("last");
    expect(readPosition(join(folder, "position"))).toMatchObject({ complete: true });
  });

  test("stops although the destination takes nothing, and goes on from there", async () => {
    const { driver, seen } = fakeDriver();
    write(1, 3);
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const send = () => {
      resolve();
      return new Promise<void>(() => {});
    };
    const stalled: RemoteDriver = { ...driver, connect: async () => ({ send, close: () => {} }) };
    const forwarding = forward(stalled, new Promise(() => {}));
    await asked;
    const began = performance.now();
    await forwarding.stop();
    expect(performance.now() - began).toBeLessThan(3000);
    await forward(driver, Promise.resolve()).done;
    expect(seen).toEqual([1, 2, 3]);
  });

  test("drops what a full buffer cannot hold when it may not wait", async () => {
    const errors: string[] = [];
    const { driver, seen } = fakeDriver({ failures: 20 });
    write(1, 50);
    await forward(driver, Promise.resolve(), true, errors).done;
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.length).toBeLessThan(50);
    expect(errors.join()).toContain("the buffer is full");
  });
});
