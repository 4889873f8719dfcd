import type { BuildOutcome, BuildResult } from "#builder";
import { firstOf, type GrpcCall, GrpcError, type GrpcMethods, statusName, unary } from "#grpc";
import { grpcErrorOf } from "../error-status.ts";
import { errors } from "../errors.ts";
import { rpcStatus } from "../messages/basics.ts";
import { nothing } from "../messages/control.ts";
import {
  bridgeSolveRequest,
  bridgeSolveResponse,
  pongResponse,
  returnRequest,
  warnRequest,
} from "../messages/gateway.ts";
import type { Job, Jobs, StartedBuild } from "../solve/jobs.ts";

/** What clients may rely on (solver/pb/caps.go, frontend/gateway/pb/caps.go). */
const frontendCapabilities = [
  "solve.base",
  "solve.inlinereturn",
  "resolveimage",
  "resolveimage.resolvemode",
  "readfile",
  "return",
  "returnmap",
  "readdir",
  "statfile",
  "importcaches",
  "protoref",
  "reference.output",
  "frontend.inputs",
  "frontend.caps",
  "gateway.solve.metadata",
  "gateway.evaluate.solve",
  "gateway.warnings",
];

/** What clients look for before they ask for it, though it is the exporters' and the Dockerfile's, not an LLB definition's. */
const definitionCapabilities = [
  "exporter.image.attestations",
  "exporter.image.annotations",
  "exporter.multiple",
  "exporter.sourcedateepoch",
  "exec.meta.network",
  "exec.meta.security",
  "exec.meta.ulimit",
  "exec.meta.cgroup.parent",
  "exec.meta.cdi",
  "exec.mount.cache.sharing",
  "exec.mount.secret",
  "exec.mount.ssh",
  "exec.mount.tmpfs.size",
];

/** What a job's client can do before it says what the result is. */
export type BridgeParts = {
  readonly jobs: Jobs;
  /** Begins the job's build with what the client now says. */
  readonly begin: (job: Job, frontend: string, options: ReadonlyMap<string, string>) => StartedBuild;
};

/** The service `moby.buildkit.v1.frontend.LLBBridge`, as far as a client of the Dockerfile front end calls it. */
export function bridgeMethods({ jobs, begin }: BridgeParts): GrpcMethods {
  const jobOf = (call: GrpcCall): Promise<Job> => {
    const reference = firstOf(call.metadata, "buildkit-controlapi-buildid");
    if (reference === undefined) throw new GrpcError("INVALID_ARGUMENT", "no build id found in context");
    return jobs.get(reference, call.signal);
  };
  const path = (method: string) => `/moby.buildkit.v1.frontend.LLBBridge/${method}`;
  return {
    [path("Ping")]: unary(nothing, pongResponse, async (_request, call) => {
      await jobOf(call);
      return {
        frontendCapabilities: frontendCapabilities.map((id) => ({ id, enabled: true })),
        definitionCapabilities: definitionCapabilities.map((id) => ({ id, enabled: true })),
        workers: [],
      };
    }),
    [path("Solve")]: unary(bridgeSolveRequest, bridgeSolveResponse, async (request, call) => {
      const job = await jobOf(call);
      if ((request.definition?.operations?.length ?? 0) > 0) throw errors["solve-definition"]();
      if (request.frontendInputs.size > 0) throw errors["solve-definition"]();
      const build = begin(job, request.frontend, request.frontendOptions);
      try {
        const isQuestion = request.frontendOptions.has("requestid");
        const metadata = isQuestion
          ? answerMetadata(await build.done)
          : resultMetadata(await Promise.race([build.outcome, build.done]));
        return {
          reference: "result",
          result: { reference: { id: isQuestion ? "" : "result" }, metadata },
        };
      } catch (error) {
        throw grpcErrorOf(error, build.dockerfile());
      }
    }),
    [path("Return")]: unary(returnRequest, nothing, async (request, call) => {
      const job = await jobOf(call);
      if (request.error === undefined || (request.error.code ?? 0) === 0) job.returned.resolve();
      else {
        const { code = 0, message = "" } = request.error;
        job.returned.reject(new GrpcError(statusName(code), message, { details: rpcStatus.encode(request.error) }));
      }
      return {};
    }),
    [path("Warn")]: unary(warnRequest, nothing, async (_request, call) => {
      await jobOf(call);
      throw new GrpcError("UNIMPLEMENTED", "warnings of clients are not kept");
    }),
  };
}

function resultMetadata(outcome: Pick<BuildOutcome, "images">): ReadonlyMap<string, Uint8Array> {
  const metadata = new Map<string, Uint8Array>();
  const [first, ...others] = outcome.images ?? [];
  if (first === undefined) return metadata;
  metadata.set("containerimage.config", first.configBytes);
  const platforms = outcome.images.map(({ platform }) => ({
    ID: [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/"),
    Platform: { architecture: platform.architecture, os: platform.os, variant: platform.variant },
  }));
  metadata.set("refs.platforms", Buffer.from(JSON.stringify({ Platforms: platforms })));
  if (others.length > 0) {
    outcome.images.forEach((image, index) => {
      metadata.set(`containerimage.config/${platforms[index]?.ID ?? ""}`, image.configBytes);
    });
  }
  return metadata;
}

/** The answer to a question (frontend/subrequests). */
function answerMetadata({ answer }: Pick<BuildResult, "answer">): ReadonlyMap<string, Uint8Array> {
  if (answer === undefined) return new Map();
  return new Map([
    ["version", Buffer.from(answer.version)],
    ["result.json", Buffer.from(answer.json)],
    ["result.txt", Buffer.from(answer.text)],
    ["result.statuscode", Buffer.from(String(answer.status))],
  ]);
}
