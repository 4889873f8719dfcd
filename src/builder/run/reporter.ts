import { type Digest, nowNanoseconds } from "#base";
import type { BuildEvent, BuildStatus, BuildVertex, SourceRange, StepReport } from "../contract.ts";

/** Tells of the graph: vertices are announced, started and completed, each once. */
export type Reporter = {
  announce(vertex: {
    readonly digest: Digest;
    readonly name: string;
    readonly inputs?: readonly Digest[];
    readonly source?: SourceRange | undefined;
  }): void;
  start(digest: Digest): void;
  complete(digest: Digest, end?: { readonly cached?: boolean; readonly error?: string | undefined }): void;
  log(digest: Digest, stream: "stdout" | "stderr", data: Uint8Array): void;
  status(digest: Digest, line: Omit<BuildStatus, "kind" | "vertex" | "timestamp">): void;
  /** Why a step was or was not taken from the cache. */
  explain(report: StepReport): void;
  readonly steps: readonly StepReport[];
};

/** @param emit gets every event */
export function createReporter(emit: (event: BuildEvent) => void): Reporter {
  const vertices = new Map<Digest, BuildVertex>();
  const steps: StepReport[] = [];
  const change = (digest: Digest, fields: Partial<BuildVertex>) => {
    const before = vertices.get(digest);
    if (before === undefined) return;
    const after = { ...before, ...fields };
    vertices.set(digest, after);
    emit(after);
  };
  return {
    steps,
    announce: ({ digest, name, inputs = [], source }) => {
      if (vertices.has(digest)) return;
      const vertex: BuildVertex = {
        kind: "vertex",
        digest,
        inputs,
        name,
        started: undefined,
        completed: undefined,
        cached: false,
        error: undefined,
        source,
      };
      vertices.set(digest, vertex);
      emit(vertex);
    },
    start: (digest) => {
      if (vertices.get(digest)?.started === undefined) change(digest, { started: nowNanoseconds() });
    },
    complete: (digest, { cached = false, error } = {}) => {
      const now = nowNanoseconds();
      change(digest, { started: vertices.get(digest)?.started ?? now, completed: now, cached, error });
    },
    log: (digest, stream, data) => emit({ kind: "log", vertex: digest, stream, data, timestamp: nowNanoseconds() }),
    status: (digest, line) => emit({ kind: "status", vertex: digest, timestamp: nowNanoseconds(), ...line }),
    explain: (report) => void steps.push(report),
  };
}
