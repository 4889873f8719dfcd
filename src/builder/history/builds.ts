import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { EngineError, errorMessage, newId, nowNanoseconds } from "#base";
import { type BuildRow, buildTable, type Database } from "#db";
import type { BuildProgress } from "#formats";
import type { Builder } from "../builder.ts";
import type { BuildEvent, BuildFailure, BuildRequest, BuildResult } from "../contract.ts";
import { historyErrors as errors } from "./errors.ts";
import { createJournal, type Journal, readJournal } from "./journal.ts";
import { progressOf } from "./progress.ts";

/** A build as the history knows it. Holds nothing secret: no secret, no agent, no credential. */
export type BuildRecord = {
  readonly reference: string;
  readonly status: BuildRow["status"];
  /** Nanoseconds since the epoch. */
  readonly createdAt: bigint;
  readonly completedAt: bigint | undefined;
  readonly pinned: boolean;
  /** What people call it: the last part of the context, with the target. */
  readonly name: string;
  /** The options it was asked with, in BuildKit's spelling: "target", "build-arg:X", "platform", … */
  readonly attributes: Readonly<Record<string, string>>;
  readonly exporters: readonly { readonly type: string; readonly attributes: Readonly<Record<string, string>> }[];
  readonly tags: readonly string[];
  readonly error: string | undefined;
  /** The Dockerfile's lines at fault. */
  readonly excerpt: string | undefined;
  readonly totalSteps: number;
  readonly cachedSteps: number;
  readonly completedSteps: number;
  readonly warnings: number;
  readonly imageId: string | undefined;
  /** What the exporters returned. */
  readonly exported: Readonly<Record<string, string>>;
};

/** How a build is entered into the history. */
export type BuildDescription = Pick<BuildRecord, "name" | "attributes" | "exporters">;

/** A build under way. */
export type RunningBuild = {
  readonly reference: string;
  /** What it comes to; rejects as `Builder.build` does. */
  readonly done: Promise<BuildResult>;
  /** Ends it; `done` rejects. */
  cancel(): void;
};

/** Builds with their history: what runs, what ran, and what each said. */
export type Builds = {
  /**
   * Begins a build and enters it into the history. `listen` gets every event as it happens; `before` may do what belongs to
   * the build but comes before it (fetching the Dockerfile) and may emit events too.
   */
  start(
    description: BuildDescription,
    before: (emit: (event: BuildEvent) => void, signal: AbortSignal) => Promise<BuildRequest> | BuildRequest,
    options?: {
      readonly reference?: string | undefined;
      readonly listen?: ((event: BuildEvent) => void) | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): RunningBuild;
  /** Newest first. */
  list(): readonly BuildRecord[];
  /** A build by its reference or the beginning of it; undefined when there is none or more than one. */
  find(reference: string): BuildRecord | undefined;
  /** What a build said and says, until its end. */
  follow(reference: string, signal: AbortSignal): AsyncGenerator<BuildProgress, void>;
  /** Takes a build that ended out of the history. */
  remove(reference: string): void;
  /** A pinned build stays in the history. */
  pin(reference: string, pinned: boolean): void;
  /** Calls back for every build that begins, ends or is removed, until the signal aborts. */
  watch(changed: (record: BuildRecord, change: "started" | "ended" | "removed") => void, signal: AbortSignal): void;
  /** Ends a running build. False when there is none of that reference. */
  cancel(reference: string): boolean;
  /** Marks what an earlier daemon left running as failed. Run once at start. */
  sweep(): void;
};

/** Builds that are kept, besides the pinned ones. */
const keptBuilds = 200;
const keptLogBytes = 512 * 1024 * 1024;

type Running = { record: BuildRecord; readonly journal: Journal; readonly cancel: () => void };

/** Puts a history around a builder. */
export function createBuilds(parts: {
  readonly builder: Pick<Builder, "build">;
  readonly database: Database;
  /** The daemon's data root; logs are in `<data root>/build-history`. */
  readonly dataRoot: string;
}): Builds {
  const table = buildTable(parts.database);
  const folder = join(parts.dataRoot, "build-history");
  const running = new Map<string, Running>();
  const watchers = new Set<(record: BuildRecord, change: "started" | "ended" | "removed") => void>();
  const journalOf = (reference: string) => join(folder, `${reference}.ndjson`);
  const tell = (record: BuildRecord, change: "started" | "ended" | "removed") => {
    for (const watcher of watchers) watcher(record, change);
  };
  const save = (record: BuildRecord) => table.save(rowOf(record));
  const forget = (record: BuildRecord) => {
    table.remove(record.reference);
    rmSync(journalOf(record.reference), { force: true });
    tell(record, "removed");
  };

  /** Takes the oldest builds away when there are many or their logs are large. */
  const trim = () => {
    let count = 0;
    let bytes = 0;
    for (const record of table.list().map(recordOf)) {
      if (record.pinned || running.has(record.reference)) continue;
      const path = journalOf(record.reference);
      bytes += existsSync(path) ? statSync(path).size : 0;
      count++;
      if (count > keptBuilds || (bytes > keptLogBytes && count > 1)) forget(record);
    }
  };

  const find = (reference: string): BuildRecord | undefined => {
    const exact = running.get(reference)?.record;
    if (exact !== undefined) return exact;
    const row = table.find(reference);
    if (row !== undefined) return recordOf(row);
    if (reference.length < 4) return undefined;
    const matches = table.list().filter((candidate) => candidate.reference.startsWith(reference));
    const [only] = matches;
    return matches.length === 1 && only !== undefined
      ? (running.get(only.reference)?.record ?? recordOf(only))
      : undefined;
  };
  const ended = (reference: string): BuildRecord => {
    const record = find(reference);
    if (record === undefined) throw errors["build-unknown"](reference);
    if (running.has(record.reference)) throw errors["build-running"](record.reference);
    return record;
  };

  return {
    start: (description, before, options = {}) => {
      const reference = options.reference ?? newId().slice(0, 25);
      // It names a file.
      if (!/^[\w.-]{1,128}$/.test(reference) || reference.startsWith(".")) throw errors["build-reference-invalid"]();
      if (running.has(reference) || table.find(reference) !== undefined) {
        throw errors["build-reference-taken"](reference);
      }
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const journal = createJournal(journalOf(reference));
      const cancelled = new AbortController();
      const signal =
        options.signal === undefined ? cancelled.signal : AbortSignal.any([options.signal, cancelled.signal]);
      const counts = countSteps();
      const build: Running = {
        record: {
          ...description,
          reference,
          status: "running",
          createdAt: nowNanoseconds(),
          completedAt: undefined,
          pinned: false,
          tags: [],
          error: undefined,
          excerpt: undefined,
          ...counts.now(),
          imageId: undefined,
          exported: {},
        },
        journal,
        cancel: () => cancelled.abort(errors["build-ended"]()),
      };
      running.set(reference, build);
      save(build.record);
      tell(build.record, "started");
      const emit = (event: BuildEvent) => {
        counts.take(event);
        const progress = progressOf(event);
        if (progress !== undefined) journal.append(progress);
        options.listen?.(event);
      };
      const finish = (end: Partial<BuildRecord>) => {
        build.record = { ...build.record, ...counts.now(), ...end, completedAt: nowNanoseconds() };
        journal.end();
        running.delete(reference);
        save(build.record);
        tell(build.record, "ended");
        trim();
      };
      const work = async (): Promise<BuildResult> => {
        try {
          const request = await before(emit, signal);
          build.record = { ...build.record, tags: request.tags };
          const result = await parts.builder.build({ ...request, reference }, emit, signal);
          finish({ status: "completed", imageId: result.imageId, exported: result.exported });
          return result;
        } catch (error) {
          const isCancelled = signal.aborted || (error instanceof EngineError && error.kind === "cancelled");
          const { failure } = error as { readonly failure?: BuildFailure };
          finish({
            status: isCancelled ? "cancelled" : "failed",
            error: errorMessage(error),
            excerpt: failure?.excerpt,
          });
          throw error;
        }
      };
      return { reference, done: work(), cancel: build.cancel };
    },
    list: () => table.list().map((row) => running.get(row.reference)?.record ?? recordOf(row)),
    find,
    follow: (reference, signal) => {
      const record = find(reference);
      if (record === undefined) throw errors["build-unknown"](reference);
      const build = running.get(record.reference);
      if (build !== undefined) return build.journal.follow(signal);
      const path = journalOf(record.reference);
      if (!existsSync(path)) throw errors["build-log-lost"](record.reference);
      return readJournal(path);
    },
    remove: (reference) => forget(ended(reference)),
    pin: (reference, pinned) => save({ ...ended(reference), pinned }),
    watch: (changed, signal) => {
      if (signal.aborted) return;
      watchers.add(changed);
      signal.addEventListener("abort", () => watchers.delete(changed), { once: true });
    },
    cancel: (reference) => {
      const build = running.get(reference);
      build?.cancel();
      return build !== undefined;
    },
    sweep: () => {
      for (const row of table.list()) {
        if (row.status !== "running") continue;
        save({
          ...recordOf(row),
          status: "failed",
          completedAt: row.createdAt,
          error: "the daemon ended while the build ran",
        });
      }
      if (!existsSync(folder)) return;
      for (const name of readdirSync(folder)) {
        if (table.find(name.replace(/\.ndjson$/, "")) === undefined) rmSync(join(folder, name), { force: true });
      }
    },
  };
}

type Counts = Pick<BuildRecord, "totalSteps" | "cachedSteps" | "completedSteps" | "warnings">;

/** Counts steps by what is said of them. */
function countSteps(): { take(event: BuildEvent): void; now(): Counts } {
  const seen = new Map<string, { completed: boolean; cached: boolean }>();
  let warnings = 0;
  return {
    take: (event) => {
      if (event.kind === "warning") warnings++;
      if (event.kind === "vertex") {
        seen.set(event.digest, {
          completed: event.completed !== undefined && event.error === undefined,
          cached: event.cached,
        });
      }
    },
    now: () => {
      const steps = [...seen.values()];
      return {
        totalSteps: steps.length,
        cachedSteps: steps.filter(({ cached }) => cached).length,
        completedSteps: steps.filter(({ completed }) => completed).length,
        warnings,
      };
    },
  };
}

function rowOf({ reference, status, createdAt, completedAt, pinned, ...document }: BuildRecord): BuildRow {
  return { reference, status, createdAt, completedAt, pinned, document: JSON.stringify(document) };
}

function recordOf({ document, ...row }: BuildRow): BuildRecord {
  return { ...(JSON.parse(document) as Omit<BuildRecord, keyof BuildRow>), ...row };
}
