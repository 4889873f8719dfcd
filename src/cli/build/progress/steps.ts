import type { BuildProgress, BuildStatusDocument } from "#formats";

/** A step of a build as it is known now. Times are milliseconds since the epoch. */
export type ShownStep = {
  readonly digest: string;
  /** From 1, in the order in which they began. */
  readonly number: number;
  name: string;
  started: number | undefined;
  completed: number | undefined;
  cached: boolean;
  error: string | undefined;
  readonly statuses: Map<string, BuildStatusDocument>;
  /** What it printed last, whole lines. */
  lines: { readonly at: number; readonly text: string }[];
};

/** What a piece of progress changed, in order. */
export type StepChange =
  | { readonly kind: "started"; readonly step: ShownStep }
  | { readonly kind: "completed"; readonly step: ShownStep }
  | { readonly kind: "status"; readonly step: ShownStep; readonly status: BuildStatusDocument }
  | { readonly kind: "output"; readonly step: ShownStep; readonly at: number; readonly text: string }
  | { readonly kind: "warning"; readonly text: string };

/** As many lines of a step are kept for the end of a failed build. */
const keptLines = 100;

/** Puts a build together from its progress. */
export function createSteps(): {
  readonly all: readonly ShownStep[];
  take(progress: BuildProgress): readonly StepChange[];
} {
  const all: ShownStep[] = [];
  const byDigest = new Map<string, ShownStep>();
  const partial = new Map<string, string>();
  const seen = new Set<string>();
  const time = (text: string | undefined) => {
    const ms = text === undefined ? Number.NaN : Date.parse(text);
    return Number.isNaN(ms) ? undefined : ms;
  };
  return {
    all,
    take: (progress) => {
      const changes: StepChange[] = [];
      for (const vertex of progress.vertexes ?? []) {
        let step = byDigest.get(vertex.digest);
        if (step === undefined) {
          if (vertex.started === undefined) continue;
          step = {
            digest: vertex.digest,
            number: all.length + 1,
            name: vertex.name,
            started: undefined,
            completed: undefined,
            cached: false,
            error: undefined,
            statuses: new Map(),
            lines: [],
          };
          all.push(step);
          byDigest.set(vertex.digest, step);
        }
        const wasStarted = step.started !== undefined;
        const wasCompleted = step.completed !== undefined;
        step.name = vertex.name;
        step.started ??= time(vertex.started);
        step.completed = time(vertex.completed);
        step.cached = vertex.cached === true;
        step.error = vertex.error === "" ? undefined : vertex.error;
        if (!wasStarted) changes.push({ kind: "started", step });
        if (!wasCompleted && step.completed !== undefined) {
          const rest = partial.get(step.digest);
          partial.delete(step.digest);
          if (rest !== undefined && rest !== "") changes.push(output(step, step.completed, rest));
          changes.push({ kind: "completed", step });
        }
      }
      for (const status of progress.statuses ?? []) {
        const step = byDigest.get(status.vertex);
        if (step === undefined) continue;
        step.statuses.set(status.id, status);
        changes.push({ kind: "status", step, status });
      }
      for (const log of progress.logs ?? []) {
        const step = byDigest.get(log.vertex);
        if (step === undefined) continue;
        const text = (partial.get(step.digest) ?? "") + Buffer.from(log.data, "base64").toString("utf8");
        const lines = text.split("\n");
        partial.set(step.digest, lines.pop() ?? "");
        for (const line of lines) changes.push(output(step, time(log.timestamp) ?? Date.now(), line));
      }
      for (const warning of progress.warnings ?? []) {
        const text = Buffer.from(warning.short, "base64").toString("utf8");
        const line = warning.range?.[0]?.start.line;
        const place = line === undefined ? "" : ` (line ${line})`;
        if (seen.has(text + place)) continue;
        seen.add(text + place);
        changes.push({ kind: "warning", text: `${text}${place}` });
      }
      return changes;
    },
  };
}

function output(step: ShownStep, at: number, line: string): StepChange {
  // Of what a program overwrites on its line, what stays in the end.
  const text =
    line
      .replace(/\r$/, "")
      .split("\r")
      .findLast((part) => part !== "") ?? "";
  step.lines.push({ at, text });
  if (step.lines.length > keptLines) step.lines = step.lines.slice(-keptLines);
  return { kind: "output", step, at, text };
}

/** "1.2s" */
export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
}
