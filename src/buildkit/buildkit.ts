import type { IncomingHttpHeaders } from "node:http";
import { Duplex } from "node:stream";
import { join } from "node:path";
import { EngineError, type Logger } from "#base";
import { type BuildResult, type Builds, type Exporters, type OpenRepository, pusher, readAttestations } from "#builder";
import { createGrpcServer, type GrpcMethods } from "#grpc";
import { grpcErrorOf } from "./error-status.ts";
import { errors } from "./errors.ts";
import { statusResponse } from "./messages/control.ts";
import { bridgeMethods } from "./services/bridge.ts";
import { type BuildCache, controlMethods } from "./services/control.ts";
import { healthMethods } from "./services/health.ts";
import { sessionClient } from "./session/session-client.ts";
import { createKeptContents } from "./session/kept-contents.ts";
import { createSessions, readSessionOffer, type SessionOffer } from "./session/sessions.ts";
import { isTrue } from "./solve/attributes.ts";
import { createJobs, type StartedBuild } from "./solve/jobs.ts";
import { createSolver, type PullWithCredentials, type SolveOptions, type SolverParts } from "./solve/solver.ts";
import { statusOf } from "./solve/status.ts";

/** What BuildKit's protocol is served with. */
export type BuildKitParts = {
  readonly builds: Builds;
  readonly exporters: Exporters;
  readonly repository: OpenRepository;
  readonly pull: PullWithCredentials;
  /** Certificates that fetched contexts are checked with. @default the host's */
  readonly caBundle: string | undefined;
  readonly cache: BuildCache;
  /** The daemon's data root. */
  readonly dataRoot: string;
  readonly logger: Logger;
  readonly version: string;
  /** Names this daemon among workers. */
  readonly instanceId: string;
  /** "overlay2" or "vfs". */
  readonly snapshotter: string;
  readonly platforms: readonly { readonly os: string; readonly architecture: string; readonly variant?: string }[];
};

/** A build as `POST /build?version=2` asks for it. */
export type SessionBuild = Omit<SolveOptions, "frontend" | "client"> & { readonly session: string };

/** BuildKit's protocol, for clients that took their connection over from HTTP/1.1. */
export type BuildKit = {
  /** `POST /session`: the client answers calls on this connection from now on. */
  openSession(socket: Duplex, head: Buffer, offer: SessionOffer): void;
  /** What a client says of itself in the headers of `POST /session`; throws when it says nothing. */
  offer(headers: IncomingHttpHeaders): SessionOffer;
  /** `POST /grpc`, or HTTP/2 from the first byte: we answer calls on this connection from now on. */
  serve(socket: Duplex, head: Buffer): void;
  /** Begins a build of a client that is reached some other way than a session. */
  solve(build: Omit<SolveOptions, "frontend">, signal: AbortSignal): StartedBuild;
  /** Runs a build of a client that has a session but no `/grpc`; `trace` gets encoded progress (StatusResponse). */
  build(build: SessionBuild, trace: (message: Uint8Array) => void, signal: AbortSignal): Promise<BuildResult>;
};

/** The labels by which clients know what a worker can do (worker/label). */
function workerLabels(parts: BuildKitParts): ReadonlyMap<string, string> {
  return new Map([
    ["org.mobyproject.buildkit.worker.executor", "oci"],
    ["org.mobyproject.buildkit.worker.snapshotter", parts.snapshotter],
    ["org.mobyproject.buildkit.worker.moby.host-gateway-ip", "host-gateway"],
  ]);
}

/** Serves BuildKit's protocol. Nothing runs before somebody calls. */
export function createBuildKit(parts: BuildKitParts): BuildKit {
  const sessions = createSessions();
  const kept = createKeptContents({ directory: join(parts.dataRoot, "builds") });
  const jobs = createJobs();
  const exporters: SolverParts["exporters"] = (build, client, facts) =>
    parts.exporters.open(
      build.exporters.map((choice, index) => ({
        choice: { type: choice.type, attributes: Object.fromEntries(choice.attributes) },
        destination: client?.destination(index),
      })),
      {
        tags: build.tags,
        attestations: readAttestations(build.attributes.get("attest:provenance"), build.attributes.get("attest:sbom")),
        multiPlatform: isTrue(
          build.attributes.get("multi-platform") ?? build.attributes.get("build-arg:BUILDKIT_MULTI_PLATFORM"),
        ),
        facts,
        push: pusher(parts.repository, async (registry) => client?.credentials(registry)),
      },
    );
  const clientOf = (session: string, attributes: ReadonlyMap<string, string>): SolveOptions["client"] =>
    session === ""
      ? undefined
      : async (signal) =>
          sessionClient(
            await sessions.get(session, signal),
            {
              context: attributes.get("contextkey") ?? "context",
              dockerfile: attributes.get("dockerfilekey") ?? "dockerfile",
            },
            kept,
          );
  const solver = createSolver({
    builds: parts.builds,
    directory: join(parts.dataRoot, "builds"),
    caBundle: parts.caBundle,
    pull: parts.pull,
    exporters,
  });
  const control = controlMethods({
    jobs,
    solver,
    clientOf,
    builds: parts.builds,
    cache: parts.cache,
    worker: { id: parts.instanceId, labels: workerLabels(parts) },
    version: parts.version,
    platforms: parts.platforms,
    tunnel: (requests, call) => {
      const offer = readSessionOffer(
        Object.fromEntries([...call.metadata].map(([name, values]) => [name, [...values]])),
      );
      const { near, far } = tunnelPair(requests);
      sessions.open(near, Buffer.alloc(0), offer);
      call.signal.addEventListener("abort", () => near.destroy(), { once: true });
      return far;
    },
  });
  const methods: GrpcMethods = {
    ...control.methods,
    ...bridgeMethods({ jobs, begin: (job, frontend, options) => control.begin(job, frontend, options) }),
    ...healthMethods,
  };
  const server = createGrpcServer({
    methods,
    statusOf: (error) => {
      if (!(error instanceof EngineError)) parts.logger.debug("a call failed", { error: String(error) });
      return grpcErrorOf(error);
    },
  });
  return {
    openSession: sessions.open,
    offer: readSessionOffer,
    serve: (socket, head) => server.accept(socket, head),
    solve: (build, signal) => solver.start({ ...build, frontend: "dockerfile.v0" }, Promise.resolve(), signal),
    build: async (build, trace, signal) => {
      if (build.session === "") throw errors["session-missing"]("a build with BuildKit");
      const { session, ...options } = build;
      const started = solver.start(
        { ...options, frontend: "dockerfile.v0", client: clientOf(session, build.attributes) },
        Promise.resolve(),
        signal,
      );
      const told = (async () => {
        for await (const progress of started.follow(signal)) trace(statusResponse.encode(statusOf(progress)));
      })();
      told.catch(() => {});
      try {
        return await started.done;
      } finally {
        // What the build said last comes before its result.
        await told.catch(() => {});
      }
    },
  };
}

/** A connection made of the messages of a call: what comes in as `requests`, what goes out as `far`. */
function tunnelPair(requests: AsyncIterable<{ readonly data: Uint8Array }>): {
  readonly near: Duplex;
  readonly far: AsyncIterable<Uint8Array>;
} {
  const outgoing: Uint8Array[] = [];
  let wakeReader = () => {};
  let wakeWriter = () => {};
  let ended = false;
  let asked = () => {};
  const near = new Duplex({
    read: () => asked(),
    write: (chunk: Buffer, _encoding, done) => {
      outgoing.push(chunk);
      wakeReader();
      if (outgoing.length < 16) done();
      else wakeWriter = done;
    },
    final: (done) => {
      ended = true;
      wakeReader();
      done();
    },
    destroy: (error, done) => {
      ended = true;
      wakeReader();
      done(error);
    },
  });
  void (async () => {
    try {
      for await (const { data } of requests) {
        const wanted = new Promise<void>((resolve) => (asked = resolve));
        if (!near.push(Buffer.from(data))) await wanted;
      }
    } catch {
      // Gone, and not closed: the same for whoever called it.
    }
    // A client that closes its session waits until we have ended our side too.
    near.push(null);
    near.destroy();
  })();
  return {
    near,
    far: (async function* () {
      for (;;) {
        const chunk = outgoing.shift();
        if (chunk !== undefined) {
          yield chunk;
          const resume = wakeWriter;
          wakeWriter = () => {};
          resume();
        } else if (ended) return;
        else await new Promise<void>((resolve) => (wakeReader = resolve));
      }
    })(),
  };
}
