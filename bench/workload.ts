import type { MeasuredEngine } from "./engine.ts";

/** Samples of one round, by metric ("W1 run, none, API [ms]"). */
export type Samples = Readonly<Record<string, readonly number[]>>;

/** One thing to measure. `round` must leave the engine as it found it, and must check that the work was really done. */
export type Workload = {
  /** "W1" */
  readonly id: string;
  readonly title: string;
  /** Once for each engine, before its first round. */
  readonly prepare?: (engine: MeasuredEngine) => Promise<void>;
  readonly round: (engine: MeasuredEngine, size: WorkloadSize) => Promise<Samples>;
};

export type WorkloadSize = {
  /** Factor on counts; 1 = as in the goals, less for a quick look. */
  readonly scale: number;
};

/** `count` scaled, at least `least`. */
export function scaled(size: WorkloadSize, count: number, least = 1): number {
  return Math.max(least, Math.round(count * size.scale));
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds of each of `count` calls, one after another. */
export async function timedEach(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < count; index += 1) samples.push(await timed(() => work(index)));
  return samples;
}

/** Runs `count` calls with at most `width` in flight; milliseconds of each. `lane` tells which of the `width` it runs in. */
export async function timedParallel(
  count: number,
  width: number,
  work: (index: number, lane: number) => Promise<unknown>,
): Promise<number[]> {
  const samples: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      while (next < count) {
        const index = next;
        next += 1;
        samples.push(await timed(() => work(index, lane)));
      }
    }),
  );
  return samples;
}
