import { expect, test } from "bun:test";
import { errorMessage } from "#base";
import { createJobs } from "./jobs.ts";

const never = new AbortController().signal;

test("a call that comes before its job waits for it", async () => {
  const jobs = createJobs();
  const early = jobs.get("a", never);
  const job = jobs.open("a");
  expect(await early).toBe(job);
  expect(() => jobs.open("a")).toThrow("there is already a build a");
});

test("a call that comes after its job knows that there is nothing to wait for", () => {
  const jobs = createJobs();
  expect(jobs.hasEnded("a")).toBe(false);
  const job = jobs.open("a");
  expect(jobs.hasEnded("a")).toBe(false);
  job.finish();
  expect(jobs.hasEnded("a")).toBe(true);
  jobs.open("a");
  expect(jobs.hasEnded("a")).toBe(false);
});

test("a client that goes away while it waits is let go of", async () => {
  const jobs = createJobs();
  const gone = new AbortController();
  const early = jobs.get("a", gone.signal).catch(errorMessage);
  gone.abort();
  expect(await early).toBe("no such job a");
});
