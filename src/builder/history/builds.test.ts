import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, nowNanoseconds } from "#base";
import { type Database, openDatabase } from "#db";
import type { BuildProgress } from "#formats";
import type { Builder } from "../builder.ts";
import type { BuildEvent, BuildRequest } from "../contract.ts";
import { type Builds, createBuilds } from "./builds.ts";

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "builds-"));
  database = openDatabase(":memory:");
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const vertex = digestOf("step");
const log = (text: string): BuildEvent => ({
  kind: "log",
  vertex,
  stream: "stdout",
  data: Buffer.from(text),
  timestamp: nowNanoseconds(),
});

function builds(build: Builder["build"]): Builds {
  return createBuilds({ builder: { build }, database, dataRoot: folder });
}

const description = { name: "app", attributes: { target: "dist" }, exporters: [] };
const request = { tags: ["app:1"] } as unknown as BuildRequest;
const result = { imageId: "sha256:1", images: [], warnings: [], steps: [], exported: { a: "b" } };

async function textOf(progress: AsyncIterable<BuildProgress>): Promise<string> {
  let text = "";
  for await (const { logs } of progress)
    for (const { data } of logs ?? []) text += Buffer.from(data, "base64").toString();
  return text;
}

describe("createBuilds", () => {
  test("keeps what a build said, for those who follow and those who ask later", async () => {
    const gate = Promise.withResolvers<void>();
    const made = builds(async (_request, output) => {
      output(log("first "));
      await gate.promise;
      output(log("second"));
      return result;
    });
    const { reference, done } = made.start(description, () => request);
    const followed = textOf(made.follow(reference, new AbortController().signal));
    expect(made.list()).toMatchObject([{ reference, status: "running", name: "app" }]);
    expect(() => made.remove(reference)).toThrow("running");
    gate.resolve();
    await done;
    expect(await followed).toBe("first second");
    expect(await textOf(made.follow(reference, new AbortController().signal))).toBe("first second");
    expect(made.find(reference.slice(0, 8))).toMatchObject({
      status: "completed",
      imageId: "sha256:1",
      tags: ["app:1"],
      exported: { a: "b" },
    });
    made.remove(reference);
    expect(made.list()).toEqual([]);
    expect(() => made.follow(reference, new AbortController().signal)).toThrow("no build");
  });

  test("a failed build keeps its error, a cancelled one says so", async () => {
    const made = builds(async (_request, _output, signal) => {
      if (signal.aborted) throw signal.reason as Error;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      throw signal.reason as Error;
    });
    const running = made.start(description, () => request);
    running.cancel();
    await running.done.catch(() => {});
    expect(made.find(running.reference)?.status).toBe("cancelled");
    const failing = made.start(description, () => {
      throw new Error("no such context");
    });
    expect(failing.done).rejects.toThrow("no such context");
    await failing.done.catch(() => {});
    expect(made.find(failing.reference)).toMatchObject({ status: "failed", error: "no such context" });
  });

  test("a reference belongs to one build for ever, and names no other file", async () => {
    const made = builds(() => Promise.resolve(result));
    await made.start(description, () => request, { reference: "mine" }).done;
    expect(() => made.start(description, () => request, { reference: "mine" })).toThrow("already");
    expect(() => made.start(description, () => request, { reference: "../out" })).toThrow("reference");
  });

  test("what a killed daemon left running has failed", async () => {
    const made = builds(() => new Promise(() => {}));
    const { reference } = made.start(description, () => request);
    const next = builds(() => Promise.resolve(result));
    next.sweep();
    expect(next.find(reference)).toMatchObject({ status: "failed" });
  });
});
