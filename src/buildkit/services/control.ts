import type { BuildRecord, Builds } from "#builder";
import type { BuildCacheDocument } from "#formats";
import { duplexStream, GrpcError, type GrpcMethods, serverStream, statusCodes, unary, type ValueOf } from "#grpc";
import { errors } from "../errors.ts";
import { timestampOf } from "../messages/basics.ts";
import {
  bytesMessage,
  diskUsageRequest,
  diskUsageResponse,
  type exporterChoice,
  type historyEvent,
  historyEvent as historyEventMessage,
  historyRequest,
  infoResponse,
  listWorkersRequest,
  listWorkersResponse,
  nothing,
  pruneRequest,
  solveRequest,
  solveResponse,
  statusRequest,
  statusResponse,
  updateHistoryRequest,
  usageRecord,
} from "../messages/control.ts";
import type { Job, Jobs, StartedBuild } from "../solve/jobs.ts";
import type { Choice, SolveOptions, Solver } from "../solve/solver.ts";
import { statusOf } from "../solve/status.ts";

/** The build cache as far as clients list and prune it. */
export type BuildCache = {
  list(): Promise<readonly BuildCacheDocument[]>;
  prune(options: {
    readonly all: boolean;
    readonly keepBytes: number | undefined;
    readonly beforeMs: number | undefined;
  }): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
};

/** What the service works with. */
export type ControlParts = {
  readonly jobs: Jobs;
  readonly solver: Solver;
  readonly clientOf: (session: string, attributes: ReadonlyMap<string, string>) => SolveOptions["client"];
  readonly builds: Builds;
  readonly cache: BuildCache;
  /** What a worker says of itself. */
  readonly worker: { readonly id: string; readonly labels: ReadonlyMap<string, string> };
  readonly version: string;
  readonly platforms: readonly { readonly os: string; readonly architecture: string; readonly variant?: string }[];
  /** Opens a session that is carried by `Control.Session`. */
  readonly tunnel: (
    requests: AsyncIterable<{ readonly data: Uint8Array }>,
    call: TunnelCall,
  ) => AsyncIterable<Uint8Array>;
};

/** The headers of a tunnelled session. */
export type TunnelCall = { readonly metadata: ReadonlyMap<string, readonly string[]>; readonly signal: AbortSignal };

type Request = ValueOf<typeof solveRequest>;

/** The service `moby.buildkit.v1.Control` and what `LLBBridge` begins with it. */
export function controlMethods(parts: ControlParts): {
  readonly methods: GrpcMethods;
  begin(job: Job, frontend: string, options: ReadonlyMap<string, string>): StartedBuild;
} {
  const { jobs, builds } = parts;
  const requests = new WeakMap<Job, Request>();

  const begin = (job: Job, frontend: string, options: ReadonlyMap<string, string>) => {
    const request = requests.get(job);
    if (request === undefined) throw errors["solve-reference"](job.reference);
    const isQuestion = options.has("requestid");
    const build = parts.solver.start(
      {
        // A question about the Dockerfile is no build of that name.
        reference: isQuestion ? undefined : job.reference,
        frontend,
        attributes: options,
        client: parts.clientOf(request.session, options),
        tags: [],
        exporters: isQuestion ? [] : exportersOf(request),
        cacheImports: (request.cache?.imports ?? []).map(choiceOf),
        cacheExports: isQuestion ? [] : (request.cache?.exports ?? []).map(choiceOf),
        entitlements: request.entitlements,
      },
      isQuestion ? Promise.resolve() : job.returned.promise,
      job.signal,
    );
    build.done.catch(() => {});
    if (!isQuestion) job.build.resolve(build);
    return build;
  };

  const path = (method: string) => `/moby.buildkit.v1.Control/${method}`;
  const methods: GrpcMethods = {
    [path("ListWorkers")]: unary(listWorkersRequest, listWorkersResponse, () => ({
      records: [
        {
          id: parts.worker.id,
          labels: parts.worker.labels,
          platforms: parts.platforms,
          gcPolicy: [],
          version: { package: "berth", version: parts.version, revision: "" },
        },
      ],
    })),
    [path("Info")]: unary(nothing, infoResponse, () => ({
      version: { package: "berth", version: parts.version, revision: "" },
    })),
    [path("Solve")]: unary(solveRequest, solveResponse, async (request, call) => {
      if ((request.definition?.operations?.length ?? 0) > 0 || request.frontendInputs.size > 0) {
        throw errors["solve-definition"]();
      }
      if (request.sourcePolicy !== undefined && (request.sourcePolicy.rules?.length ?? 0) > 0) {
        throw errors["solve-option-unsupported"]("a source policy", "nothing here applies one");
      }
      const job = jobs.open(request.reference);
      requests.set(job, request);
      const left = () => job.abort(errors["solve-returned"]());
      call.signal.addEventListener("abort", left, { once: true });
      try {
        if (request.frontend !== "") {
          job.returned.resolve();
          begin(job, request.frontend, request.frontendAttributes);
        }
        return { exporterResponse: await outcomeOf(job, call.signal) };
      } finally {
        call.signal.removeEventListener("abort", left);
        job.finish();
      }
    }),
    [path("Status")]: serverStream(statusRequest, statusResponse, async function* ({ reference }, call) {
      // A build of the history says again what it said.
      if (builds.find(reference)?.completedAt !== undefined) {
        for await (const progress of builds.follow(reference, call.signal)) yield statusOf(progress);
        return;
      }
      // Clients ask what the daemon can do in a job of its own, which may end before this call has come.
      if (jobs.hasEnded(reference)) return;
      const job = await jobs.get(reference, call.signal);
      const build = await job.build.promise.catch(() => undefined);
      if (build === undefined) return;
      for await (const progress of build.follow(call.signal)) yield statusOf(progress, build.dockerfile());
    }),
    [path("Session")]: duplexStream(bytesMessage, bytesMessage, async function* (incoming, call) {
      for await (const data of parts.tunnel(incoming, call)) yield { data };
    }),
    [path("DiskUsage")]: unary(diskUsageRequest, diskUsageResponse, async () => ({
      records: (await parts.cache.list()).map(usageOf),
    })),
    [path("Prune")]: serverStream(pruneRequest, usageRecord, async function* (request) {
      const before = new Map((await parts.cache.list()).map((entry) => [entry.ID, entry]));
      const { deleted } = await parts.cache.prune({
        all: request.all,
        keepBytes: request.reservedSpace > 0 ? request.reservedSpace : undefined,
        beforeMs: request.keepDuration > 0n ? Date.now() - Number(request.keepDuration / 1_000_000n) : undefined,
      });
      for (const id of deleted) {
        const entry = before.get(id);
        if (entry !== undefined) yield usageOf(entry);
      }
    }),
    [path("ListenBuildHistory")]: serverStream(historyRequest, historyEventMessage, (request, call) =>
      historyEvents(builds, request, call.signal),
    ),
    [path("UpdateBuildHistory")]: unary(updateHistoryRequest, nothing, (request) => {
      if (builds.find(request.reference) === undefined) {
        throw new GrpcError("NOT_FOUND", `could not find build record ${request.reference}`);
      }
      if (request.remove) builds.remove(request.reference);
      else if (!request.finalize) builds.pin(request.reference, request.pinned);
      return {};
    }),
  };
  return { methods, begin };
}

/** Waits until the client has said what the result is, and the build has exported it. */
async function outcomeOf(job: Job, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const gone = new Promise<never>((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(errors["solve-returned"]()), { once: true }),
  );
  gone.catch(() => {});
  try {
    await Promise.race([job.returned.promise, gone]);
  } catch (error) {
    job.abort(error instanceof Error ? error : errors["solve-returned"]());
    // The client hears what went wrong from the call that failed; here it is only told again.
    const build = await Promise.race([job.build.promise.catch(() => undefined), settledSoon()]);
    await build?.done.catch(() => {});
    throw error;
  }
  // Returned without having built anything: a client that only asked what we can do.
  const build = await Promise.race([job.build.promise.catch(() => undefined), settledSoon()]);
  if (build === undefined) return new Map();
  const { exported } = await Promise.race([build.done, gone]);
  return new Map(Object.entries(exported));
}

function settledSoon(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

function choiceOf(choice: Partial<ValueOf<typeof exporterChoice>> | undefined): Choice {
  return { type: choice?.type ?? "", attributes: choice?.attributes ?? new Map() };
}

function exportersOf(request: Request): readonly Choice[] {
  if (request.exporters.length > 0) return request.exporters.map(choiceOf);
  if (request.exporter === "") return [];
  return [{ type: request.exporter, attributes: request.exporterAttributes }];
}

function usageOf(entry: BuildCacheDocument): Partial<ValueOf<typeof usageRecord>> {
  const time = (text: string | null | undefined) => {
    const ms = text === null || text === undefined ? Number.NaN : Date.parse(text);
    return Number.isNaN(ms) ? undefined : timestampOf(BigInt(ms) * 1_000_000n);
  };
  return {
    id: entry.ID,
    inUse: entry.InUse,
    isShared: entry.Shared,
    sizeBytes: entry.Size,
    description: entry.Description,
    recordType: entry.Type,
    createdAt: time(entry.CreatedAt),
    lastUsedAt: time(entry.LastUsedAt),
    usageCount: entry.UsageCount,
  };
}

const eventTypes = { started: 0, ended: 1, removed: 2 } as const;

/** What the history holds, and then what changes in it. */
async function* historyEvents(
  builds: Builds,
  request: ValueOf<typeof historyRequest>,
  signal: AbortSignal,
): AsyncGenerator<Partial<ValueOf<typeof historyEvent>>, void> {
  const isWanted = (record: BuildRecord) =>
    (request.reference === "" || record.reference === request.reference) &&
    (!request.activeOnly || record.completedAt === undefined) &&
    matchesFilters(record, request.filters);
  const pending: Partial<ValueOf<typeof historyEvent>>[] = [];
  let wake = Promise.withResolvers<void>();
  builds.watch((record, change) => {
    if (!isWanted(record) && change !== "ended") return;
    pending.push({ type: eventTypes[change], record: historyRecordOf(record) });
    wake.resolve();
  }, signal);
  const known = builds.list().filter(isWanted);
  for (const record of request.limit > 0 ? known.slice(0, request.limit) : known) {
    yield {
      type: record.completedAt === undefined ? eventTypes.started : eventTypes.ended,
      record: historyRecordOf(record),
    };
  }
  if (request.earlyExit) return;
  signal.addEventListener("abort", () => wake.resolve(), { once: true });
  while (!signal.aborted) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    yield* pending.splice(0);
  }
}

/** `status==completed`, `repository~=…`: the filters that buildx passes on (containerd's filter language, these fields). */
function matchesFilters(record: BuildRecord, filters: readonly string[]): boolean {
  const fields: Readonly<Record<string, string>> = {
    ref: record.reference,
    status: record.status === "failed" ? "error" : record.status === "cancelled" ? "canceled" : record.status,
    repository: record.attributes["vcs:source"] ?? record.attributes["context"] ?? "",
  };
  return filters.every((filter) =>
    filter.split(",").every((term) => {
      const match = /^(\w+)(==|!=|~=)(.*)$/.exec(term.trim());
      if (match === null) return true;
      const [, name = "", operator, raw = ""] = match;
      const value = fields[name];
      if (value === undefined) return true;
      const wanted = raw.replace(/^"(.*)"$/, "$1");
      if (operator === "==") return value === wanted;
      if (operator === "!=") return value !== wanted;
      return value.includes(wanted);
    }),
  );
}

function historyRecordOf(record: BuildRecord): ValueOf<typeof historyEvent>["record"] {
  return {
    reference: record.reference,
    frontend: "dockerfile.v0",
    frontendAttributes: new Map(Object.entries(record.attributes)),
    exporters: record.exporters.map(({ type, attributes }) => ({
      type,
      attributes: new Map(Object.entries(attributes)),
    })),
    error:
      record.error === undefined
        ? undefined
        : { code: record.status === "cancelled" ? statusCodes.CANCELLED : statusCodes.UNKNOWN, message: record.error },
    createdAt: timestampOf(record.createdAt),
    completedAt: record.completedAt === undefined ? undefined : timestampOf(record.completedAt),
    exporterResponse: new Map(Object.entries(record.exported)),
    generation: 1,
    pinned: record.pinned,
    cachedSteps: record.cachedSteps,
    totalSteps: record.totalSteps,
    completedSteps: record.completedSteps,
    warnings: record.warnings,
  };
}
