import type { BuildOutcome, BuildResult } from "#builder";
import type { BuildProgress } from "#formats";
import { errors } from "../errors.ts";

/** What a client asked for under one reference, from its first call about it to a while after its last. */
export type Job = {
  readonly reference: string;
  /** Aborts when the client gave up or said it is done without a result. */
  readonly signal: AbortSignal;
  /** The build that the job came to, once it began. */
  readonly build: PromiseWithResolvers<StartedBuild>;
  /** Settles when the client has said what the result is (`LLBBridge.Return`). */
  readonly returned: PromiseWithResolvers<void>;
  /** Nothing more will come: the reply was given. */
  finish(): void;
  abort(reason: Error): void;
  /** Settles with `finish`. */
  readonly finished: Promise<void>;
};

/** A job's build. */
export type StartedBuild = {
  readonly reference: string;
  /** What there is to export, as soon as all steps are done. */
  readonly outcome: Promise<BuildOutcome>;
  readonly done: Promise<BuildResult>;
  follow(signal: AbortSignal): AsyncGenerator<BuildProgress, void>;
  /** For messages: the Dockerfile it is built from, once that is known. */
  dockerfile(): { readonly filename: string; readonly text: string } | undefined;
};

/** Jobs by the reference their clients chose. */
export type Jobs = {
  open(reference: string): Job;
  /** A job that was opened, or that will be in a moment: calls about one reference come on several connections. */
  get(reference: string, signal: AbortSignal): Promise<Job>;
  /** True for a job that was finished a moment ago: a call about it may come after the call that ended it. */
  hasEnded(reference: string): boolean;
};

const arrivalMs = 5_000;

/** Makes the set of jobs, empty. */
export function createJobs(): Jobs {
  const jobs = new Map<string, Job>();
  const waiting = new Map<string, Set<(job: Job) => void>>();
  const ended = new Set<string>();
  return {
    open: (reference) => {
      if (jobs.has(reference)) throw errors["solve-reference-taken"](reference);
      const controller = new AbortController();
      const finished = Promise.withResolvers<void>();
      const job: Job = {
        reference,
        signal: controller.signal,
        build: Promise.withResolvers<StartedBuild>(),
        returned: Promise.withResolvers<void>(),
        finish: () => {
          jobs.delete(reference);
          ended.add(reference);
          setTimeout(() => ended.delete(reference), arrivalMs).unref();
          job.build.reject(errors["solve-returned"]());
          finished.resolve();
        },
        abort: (reason) => controller.abort(reason),
        finished: finished.promise,
      };
      // Whoever waits for these looks at them; a job may end without anybody waiting.
      job.build.promise.catch(() => {});
      job.returned.promise.catch(() => {});
      jobs.set(reference, job);
      for (const found of waiting.get(reference) ?? []) found(job);
      waiting.delete(reference);
      return job;
    },
    get: (reference, signal) => {
      const job = jobs.get(reference);
      if (job !== undefined) return Promise.resolve(job);
      return new Promise((resolve, reject) => {
        const waiters = waiting.get(reference) ?? new Set();
        waiting.set(reference, waiters);
        const settle = (found: Job | undefined) => {
          clearTimeout(timer);
          signal.removeEventListener("abort", missed);
          waiters.delete(settle);
          if (waiters.size === 0 && waiting.get(reference) === waiters) waiting.delete(reference);
          if (found === undefined) reject(errors["solve-reference"](reference));
          else resolve(found);
        };
        const missed = () => settle(undefined);
        const timer = setTimeout(missed, arrivalMs);
        signal.addEventListener("abort", missed, { once: true });
        waiters.add(settle);
      });
    },
    hasEnded: (reference) => ended.has(reference) && !jobs.has(reference),
  };
}
