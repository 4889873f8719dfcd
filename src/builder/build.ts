import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EngineError, newId } from "#base";
import { buildReasonTable } from "#db";
import { letContainersThrough } from "#linux";
import { buildPlatforms, transferParts } from "./build-platforms.ts";
import { checkCaches, exportCaches } from "./cache/transfer/transfers.ts";
import { answerCall } from "./calls/answer-call.ts";
import { checkRequest } from "./check-request.ts";
import { sayTail } from "./classic-tail.ts";
import { openContext } from "./context/open-context.ts";
import type { BuildEvent, BuildRequest, BuildResult, BuildWarning } from "./contract.ts";
import { errors } from "./errors.ts";
import { exportImages } from "./export/export-images.ts";
import type { BuildEnvironment, OneBuild } from "./one-build.ts";
import { readSource } from "./read-source.ts";
import { isDiskFull } from "./run/disk-full.ts";
import { createReporter } from "./run/reporter.ts";
import { checkedTag } from "./tag.ts";

/** One build from request to result; see `Builder.build`. */
export async function runBuild(
  environment: BuildEnvironment,
  request: BuildRequest,
  output: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<BuildResult> {
  const { parts, cache } = environment;
  const network = checkRequest(request, parts);
  checkCaches(request);
  const tags = request.tags.map(checkedTag);
  const directory = join(environment.root, newId().slice(0, 16));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  letContainersThrough(directory, parts.images.snapshots.idMapping);
  const digests = cache.fileDigests();
  const reporter = createReporter(output);
  const warnings: BuildWarning[] = [];
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const context = await openContext(request, { spoolPath: join(directory, "context"), digests, signal });
    undo.defer(() => context.close());
    const lease = parts.images.layers.lease();
    undo.defer(() => lease.release());
    for (const named of request.namedContexts?.values() ?? []) {
      if (named.kind === "layout") undo.defer(() => named.blobs.close());
    }
    const begin = (): OneBuild => {
      const source = readSource(request, context, output, warnings, reporter);
      const table = buildReasonTable(parts.database);
      return { environment, request, source, context, digests, reporter, lease, directory, network, table, signal };
    };
    const { call = "build" } = request;
    if (call !== "build") return await answerCall(call, context.dockerfile, warnings, begin);
    const build = begin();
    const { built: images, lineage, all } = await buildPlatforms(build, output, undo);
    const made = await exportImages(build, images, tags);
    const exported = { ...made, ...(await exportCaches(transferParts(build), request, lineage, all)) };
    sayTail(build, images, tags, output);
    return {
      imageId: images[0]?.image.imageId ?? "",
      images: images.map(({ image }) => image),
      warnings,
      steps: reporter.steps,
      exported,
    };
  } catch (error) {
    if (signal.aborted && !(error instanceof EngineError && error.kind !== "cancelled")) {
      throw errors["build-cancelled"]();
    }
    // Steps say which of them it was; what is left are contexts, outputs and the build's own notes.
    if (!(error instanceof EngineError) && isDiskFull(error)) throw errors["build-disk-full"]("the build's files");
    throw error;
  } finally {
    digests.flush();
  }
}
