import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { digestOf, EngineError, newId, Semaphore, shortId } from "#base";
import { canonicalName, type Platform, tryParseReference, withDefaultTag } from "#formats";
import type { ImageRecord, LayerLease } from "#images";
import type { BuilderParts } from "./builder.ts";
import { imageOf, keepImage, lineageOf } from "./built-image.ts";
import type { BuildCache } from "./cache/build-cache.ts";
import type { Flights } from "./cache/flights.ts";
import { createReasons } from "./cache/reasons.ts";
import type { CacheRecord } from "./cache/transfer/cache-config.ts";
import { checkCaches, exportCaches, importCaches, type TransferParts } from "./cache/transfer/transfers.ts";
import {
  answerCheck,
  answerOutline,
  answerQuestions,
  answerTargets,
  type AskedFile,
  type CheckFailure,
} from "./calls/answers.ts";
import { createOutlineCollector } from "./calls/outline.ts";
import { listTargets } from "./calls/targets.ts";
import { checkRequest } from "./check-request.ts";
import { readLayoutImage } from "./context/oci-layout.ts";
import { type OpenContext, openContext } from "./context/open-context.ts";
import type {
  BuildEvent,
  BuildFailure,
  BuildOutcome,
  BuildRequest,
  BuildResult,
  BuildWarning,
  BuiltImage,
  CallAnswer,
  NamedContext,
} from "./contract.ts";
import { errors } from "./errors.ts";
import { createLinter, type Linter } from "./lint/linter.ts";
import { parseCheckOptions } from "./lint/options.ts";
import type { CacheMounts } from "./mounts/cache-mounts.ts";
import { type Dockerfile, parseDockerfile } from "./parse/dockerfile.ts";
import { checkFrontend } from "./parse/frontend.ts";
import type { BuildPlan } from "./plan/operation.ts";
import { planBuild } from "./plan/plan.ts";
import type { PlanOptions } from "./plan/stage-plan.ts";
import { formatPlatform, hostPlatform, parsePlatform, platformFits } from "./plan/platform.ts";
import type { BuildParts } from "./run/build-parts.ts";
import { createContexts } from "./run/contexts.ts";
import { withFailure } from "./run/failure.ts";
import { createReporter, type Reporter } from "./run/reporter.ts";
import { runPlan } from "./run/run-plan.ts";
import { withRootfs } from "./run/snapshot.ts";
import { announceVertices } from "./run/vertices.ts";
import { checkedTag, type Tag } from "./tag.ts";
import { type BuildReasonTable, buildReasonTable } from "#db";

/** What all builds of a daemon share. */
export type BuildEnvironment = {
  readonly parts: BuilderParts;
  /** Where builds keep what they need for a moment. */
  readonly root: string;
  readonly cache: BuildCache;
  readonly flights: Flights;
  readonly cacheMounts: CacheMounts;
  readonly slots: Semaphore;
};

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
    if (request.call === "describe") return answered(answerQuestions(), warnings);
    const file = context.dockerfile;
    const read = readForCall(request, () => readSource(request, context, output, warnings, reporter));
    if ("failure" in read) return answered(answerCheck(warnings, read.failure, file), warnings);
    const { source } = read;
    if (request.call === "targets") return answered(answerTargets(listTargets(source.dockerfile), file), warnings);
    const table = buildReasonTable(parts.database);
    const build: OneBuild = {
      environment,
      request,
      source,
      context,
      digests,
      reporter,
      lease,
      directory,
      network,
      table,
      signal,
    };
    if (request.call === "outline") return answered(await outlineOf(build, file), warnings);
    if (request.call === "check") return answered(answerCheck(warnings, await checkFailure(build), file), warnings);
    const { built: images, lineage, all } = await buildPlatforms(build, output, undo);
    const exported = await exportImages(build, images, tags);
    await exportCaches(transferParts(build), request, lineage, all);
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
    throw error;
  } finally {
    digests.flush();
  }
}

type Source = { readonly dockerfile: Dockerfile; readonly text: string; readonly linter: Linter };

type OneBuild = {
  readonly environment: BuildEnvironment;
  readonly request: BuildRequest;
  readonly source: Source;
  readonly context: OpenContext;
  readonly digests: ReturnType<BuildCache["fileDigests"]>;
  readonly reporter: Reporter;
  readonly lease: LayerLease;
  readonly directory: string;
  readonly network: BuildParts["network"];
  readonly table: BuildReasonTable;
  readonly signal: AbortSignal;
};

type BuiltPlatform = { readonly image: BuiltImage; readonly plan: BuildPlan };

type BuiltPlatforms = {
  readonly built: readonly BuiltPlatform[];
  /** Results of the steps that the images are made of, and of all steps. */
  readonly lineage: readonly CacheRecord[];
  readonly all: readonly CacheRecord[];
};

/** Parses the Dockerfile; what the checks find is told at once, also when the parsing fails. */
function readSource(
  request: BuildRequest,
  context: OpenContext,
  output: (event: BuildEvent) => void,
  warnings: BuildWarning[],
  reporter: Reporter,
): Source {
  const { name, text } = context.dockerfile;
  const vertex = digestOf(`dockerfile ${request.reference ?? ""} ${name}`);
  reporter.announce({ digest: vertex, name: `[internal] load build definition from ${name}` });
  reporter.start(vertex);
  let linter = createLinter(name, parseCheckOptions(""));
  const tell = (finding: Linter["findings"][number]) => {
    const { rule, description, message, url, source } = finding;
    const warning: BuildWarning = { kind: "warning", vertex, rule, description, message, url, source };
    warnings.push(warning);
    output(warning);
  };
  try {
    // The classic builder never looked at the line.
    if (request.dialect === "buildkit") checkFrontend(text, name, request.buildArgs["BUILDKIT_SYNTAX"]);
    const dockerfile = parseDockerfile(text, name, (check) => {
      linter = createLinter(
        name,
        parseCheckOptions(request.buildArgs["BUILDKIT_DOCKERFILE_CHECK"] ?? check ?? ""),
        tell,
      );
      return linter;
    });
    reporter.complete(vertex);
    const say = (stream: string) => output({ kind: "classic", stream });
    for (const warning of dockerfile.warnings) say(`[WARNING]: ${warning}\n`);
    if (dockerfile.warnings.length > 0) {
      say("[WARNING]: Empty continuation lines will become errors in a future release.\n");
    }
    return { dockerfile, text, linter };
  } catch (failure) {
    const hasNoStage = failure instanceof EngineError && failure.code === "build-no-stage";
    const error = hasNoStage && request.dialect === "buildkit" ? errors["build-no-stages"]() : failure;
    reporter.complete(vertex, { error: error instanceof Error ? error.message : String(error) });
    const line = lineOf(error);
    const place = { file: name, startLine: line, endLine: line };
    throw withFailure(error, { vertex, source: place, text, command: undefined });
  }
}

/** The line an error of parsing or planning names. */
function lineOf(error: unknown): number {
  const text = error instanceof Error ? error.message : "";
  return Number(/(?:on line |:)(\d+)(?: of [^:]+)?: /.exec(text)?.[1] ?? "1");
}

async function buildPlatforms(
  build: OneBuild,
  output: (event: BuildEvent) => void,
  undo: AsyncDisposableStack,
): Promise<BuiltPlatforms> {
  const { request, environment, digests, directory, signal } = build;
  const platforms = (request.platform ?? "").split(",").map((text) => text.trim());
  const plans: BuildPlan[] = [];
  for (const platform of platforms) plans.push(await planFor(build, platform, { showsPlatform: platforms.length > 1 }));
  const paths = plans.some((plan) => plan.contextPaths === undefined)
    ? undefined
    : [...new Set(plans.flatMap((plan) => plan.contextPaths ?? []))];
  const contexts = createContexts({
    openMain: () => build.context.tree(paths),
    findNamed: (name) => namedContext(request, name, undefined),
    directory,
    digests,
    signal,
  });
  undo.defer(() => contexts.close());
  const group = openGroup(build, undo);
  const shared: Omit<BuildParts, "runEnvironment" | "epoch" | "platform" | "record"> = {
    ...environment.parts.images,
    steps: environment.parts.steps,
    cache: environment.cache,
    flights: environment.flights,
    reasons: createReasons(build.table),
    cacheMounts: environment.cacheMounts,
    logger: environment.parts.logger,
    request,
    dialect: request.dialect ?? "classic",
    file: build.source.dockerfile.file,
    text: build.source.text,
    contexts,
    directory,
    network: build.network,
    group,
    cacheImages: request.cacheFrom
      .map((reference) => environment.parts.images.catalog.find(reference))
      .filter((image) => image !== undefined),
    imported: await importCaches(transferParts(build), request),
    hostCaBundle: environment.parts.hostCaBundle,
    lease: build.lease,
    slots: request.parallelism === undefined ? environment.slots : new Semaphore(Math.max(1, request.parallelism)),
    reporter: build.reporter,
    signal,
  };
  const built: BuiltPlatform[] = [];
  const lineage: CacheRecord[] = [];
  const records: { readonly plan: BuildPlan; readonly stage: number; readonly record: CacheRecord }[] = [];
  for (const plan of plans) {
    const vertices = announceVertices(plan, shared.file, build.reporter);
    const parts: BuildParts = {
      ...shared,
      record: (stage, record) => void records.push({ plan, stage, record }),
      epoch: plan.epoch,
      platform: plan.platform,
      runEnvironment: {
        platform: formatPlatform(plan.platform),
        network: request.networkMode ?? "default",
        hostNames: request.extraHosts.map((entry) => entry.split(/[:=]/)[0] ?? "").sort(),
        shmSizeBytes: request.shmSizeBytes,
        ulimits: request.ulimits.map((limit) => `${limit.Name}=${limit.Soft}:${limit.Hard}`).sort(),
        securityOpt: [...request.securityOpt].sort(),
        cgroupParent: request.cgroupParent,
        epoch: plan.epoch,
      },
    };
    const state = await runPlan(parts, plan, vertices, output);
    const chain = lineageOf(plan);
    const own = records
      .filter(({ plan: of, stage }) => of === plan && chain.includes(stage))
      .map(({ record }) => record);
    lineage.push(...own);
    built.push({ plan, image: imageOf(plan, state, request, own) });
  }
  return { built, lineage, all: records.map(({ record }) => record) };
}

function transferParts(build: OneBuild): TransferParts {
  const { environment, request, directory, reporter, signal } = build;
  return {
    repository: environment.parts.repository,
    caBundle: environment.parts.hostCaBundle,
    credentials: async (registry) => request.registryCredentials?.(registry),
    catalog: environment.parts.images.catalog,
    layers: environment.parts.images.layers,
    directory,
    reporter,
    signal,
  };
}

/** The result of a question: nothing was built. */
function answered(answer: CallAnswer, warnings: readonly BuildWarning[]): BuildResult {
  return { imageId: "", images: [], warnings, steps: [], exported: {}, answer };
}

/** Reads the Dockerfile; to a check, one that cannot be read is an answer like any other. */
function readForCall(request: BuildRequest, read: () => Source): { source: Source } | { failure: CheckFailure } {
  try {
    return { source: read() };
  } catch (error) {
    const failure = request.call === "check" ? failureOf(error) : undefined;
    if (failure === undefined) throw error;
    return { failure };
  }
}

/** How the plan of a checked Dockerfile fails; undefined when it does not. */
async function checkFailure(build: OneBuild): Promise<CheckFailure | undefined> {
  try {
    const [platform = ""] = (build.request.platform ?? "").split(",");
    await planFor(build, platform.trim(), {});
    return undefined;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

/** What is wrong with a Dockerfile at a place of it; undefined for errors of anything else. */
function failureOf(error: unknown): CheckFailure | undefined {
  if (!(error instanceof EngineError)) return undefined;
  const { failure } = error as { readonly failure?: BuildFailure };
  if (failure === undefined && error.code !== "build-checks-failed") return undefined;
  return { message: error.message, source: failure?.source };
}

/** What the target takes. Images that are not here are not fetched for it: only their ONBUILD could matter. */
async function outlineOf(build: OneBuild, file: AskedFile): Promise<CallAnswer> {
  const collector = createOutlineCollector();
  const [platform = ""] = (build.request.platform ?? "").split(",");
  const { catalog } = build.environment.parts.images;
  const plan = await planFor(build, platform.trim(), {
    outline: collector,
    findImage: async (reference) => catalog.find(reference) ?? unknownImage,
  });
  return answerOutline(collector.outline(build.source.dockerfile, plan), file);
}

/** Stands for an image nobody looked up. */
const unknownImage: ImageRecord = {
  id: "",
  config: { ...hostPlatform(), rootfs: { type: "layers", diff_ids: [] } },
  sizeBytes: 0,
  repoTags: [],
  repoDigests: [],
  lastTaggedMs: 0,
};

async function planFor(build: OneBuild, platform: string, options: Partial<PlanOptions>): Promise<BuildPlan> {
  const { request, source, context } = build;
  try {
    return await planBuild(source.dockerfile, {
      dialect: request.dialect,
      arguments: request.buildArgs,
      labels: request.labels,
      target: request.target,
      platform,
      noCacheFilter: request.noCacheFilter,
      findContext: (name, wanted) => namedContext(request, name, wanted),
      findImage: (reference, wanted) => findImage(build, reference, wanted),
      findLayout: (layout, name, wanted) => {
        const parts = { layers: build.environment.parts.images.layers, lease: build.lease, signal: build.signal };
        return readLayoutImage(parts, layout, name, wanted);
      },
      allStages: request.call === "check" && (request.target === undefined || request.target === ""),
      ignore: context.ignore?.patterns,
      ...options,
    });
  } catch (error) {
    const line = lineOf(error);
    const place = { file: source.dockerfile.file, startLine: line, endLine: line };
    const vertex = digestOf(`dockerfile ${source.dockerfile.file}`);
    const hasPlace = error instanceof Error && error.message.startsWith(`${place.file}:${line}: `);
    throw hasPlace ? withFailure(error, { vertex, source: place, text: source.text, command: undefined }) : error;
  }
}

/** The named context of a stage, image or `from=`: by its name, or name and platform; ":latest" may be left out. */
function namedContext(request: BuildRequest, name: string, platform: Platform | undefined): NamedContext | undefined {
  const given = request.namedContexts;
  if (given === undefined || given.size === 0) return undefined;
  const plain = (text: string) => {
    const reference = tryParseReference(text);
    return reference === undefined ? text : canonicalName(withDefaultTag(reference));
  };
  const wanted = plain(name);
  for (const [key, context] of given) {
    const [own = "", ownPlatform] = key.split("::");
    if (own !== name && plain(own) !== wanted) continue;
    if (ownPlatform === undefined || platform === undefined) return context;
    if (formatPlatform(parsePlatform(ownPlatform)) === formatPlatform(platform)) return context;
  }
  return undefined;
}

function openGroup(build: OneBuild, undo: AsyncDisposableStack): string | undefined {
  const { request, environment } = build;
  const hasLimits = Object.values(request.resources).some(
    (value) => value !== undefined && value !== 0 && value !== "",
  );
  if (!hasLimits) return undefined;
  const group = environment.parts.steps.openGroup(request.resources, request.cgroupParent);
  undo.defer(() => group.close());
  return group.path;
}

async function exportImages(
  build: OneBuild,
  images: readonly BuiltPlatform[],
  tags: readonly Tag[],
): Promise<Readonly<Record<string, string>>> {
  const { request, environment, reporter, signal } = build;
  const { exporters } = request;
  if (exporters === undefined) {
    for (const { image } of images) keepImage(environment.parts, image, tags, request);
    return {};
  }
  const outcome: BuildOutcome = {
    images: images.map(({ image }) => image),
    mount: (image, work) => withRootfs(environment.parts.images, image.diffIds, work),
    materials: materialsOf(images),
    sourceDateEpoch: images[0]?.plan.epoch,
    signal,
  };
  let exported: Readonly<Record<string, string>> = {};
  for (const [index, exporter] of exporters.entries()) {
    const vertex = digestOf(`export ${index} ${exporter.name} ${images.map(({ image }) => image.imageId).join()}`);
    reporter.announce({ digest: vertex, name: exporter.name });
    reporter.start(vertex);
    try {
      const answer = await exporter.export(outcome, {
        status: (line) => reporter.status(vertex, line),
        log: (text) => reporter.log(vertex, "stdout", Buffer.from(text)),
      });
      exported = { ...exported, ...answer };
      reporter.complete(vertex);
    } catch (error) {
      reporter.complete(vertex, { error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }
  return exported;
}

function materialsOf(images: readonly BuiltPlatform[]): BuildOutcome["materials"] {
  const found = new Map<string, string>();
  for (const { plan } of images) {
    for (const { base } of plan.stages) {
      if (base.kind === "image")
        found.set(base.record.repoTags[0] ?? base.record.id, base.record.manifestDigest ?? base.record.id);
    }
  }
  return [...found].map(([uri, digest]) => ({ uri, digest }));
}

/** The classic builder's last lines. */
function sayTail(
  build: OneBuild,
  images: readonly BuiltPlatform[],
  tags: readonly Tag[],
  output: (event: BuildEvent) => void,
): void {
  const [first] = images;
  if (first === undefined) return;
  const say = (stream: string) => output({ kind: "classic", stream });
  if (first.plan.unconsumed.length > 0) {
    say(`[Warning] One or more build-args [${first.plan.unconsumed.join(" ")}] were not consumed\n`);
  }
  output({ kind: "classic-image", imageId: first.image.imageId });
  say(`Successfully built ${shortId(first.image.imageId)}\n`);
  if (build.request.exporters !== undefined) return;
  for (const { familiar } of tags) say(`Successfully tagged ${familiar}\n`);
}

/** Finds an image here, or fetches it; its layers are held from that moment on. */
async function findImage(build: OneBuild, reference: string, platform: Platform | undefined): Promise<ImageRecord> {
  const { request, environment, lease, signal } = build;
  const { catalog } = environment.parts.images;
  const pullImage = request.pullImage ?? environment.parts.pullImage;
  const local = request.pull && pullImage !== undefined ? undefined : catalog.find(reference, platform);
  let record = local;
  if (record === undefined) {
    record = pullImage === undefined ? catalog.get(reference) : await pullImage(reference, platform, signal);
  } else if (platform !== undefined && pullImage !== undefined && !platformFits(platform, record.config)) {
    try {
      record = await pullImage(reference, platform, signal);
    } catch {
      signal.throwIfAborted();
      // Whoever asked says that the one here is for another platform: that is more than that a registry has none.
    }
  }
  for (const diffId of record.config.rootfs.diff_ids) lease.add(diffId);
  await environment.parts.images.trust.require(record, reference);
  return record;
}

/** Steps that may work at once when the request does not say. */
export const defaultParallelism: number = Math.max(2, availableParallelism());
