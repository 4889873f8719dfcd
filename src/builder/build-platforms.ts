import { Semaphore } from "#base";
import { imageOf, lineageOf } from "./built-image.ts";
import { createFlights } from "./cache/flights.ts";
import { createReasons } from "./cache/reasons.ts";
import type { CacheRecord } from "./cache/transfer/cache-config.ts";
import { importCaches, type TransferParts } from "./cache/transfer/transfers.ts";
import { namedContext } from "./context/named-context.ts";
import type { BuildEvent, BuiltImage } from "./contract.ts";
import type { BuiltPlatform, OneBuild } from "./one-build.ts";
import { planPlatform } from "./plan-platform.ts";
import type { BuildPlan, StageState } from "./plan/operation.ts";
import { formatPlatform } from "./plan/platform.ts";
import type { BuildParts } from "./run/build-parts.ts";
import { createContexts } from "./run/contexts.ts";
import { runPlan } from "./run/run-plan.ts";
import { announceVertices } from "./run/vertices.ts";

/** The images of all platforms. */
export type BuiltPlatforms = {
  readonly built: readonly BuiltPlatform[];
  /** Results of the steps that the images are made of, and of all steps. */
  readonly lineage: readonly CacheRecord[];
  readonly all: readonly CacheRecord[];
};

/** Plans and runs the build for each platform that is asked for. */
export async function buildPlatforms(
  build: OneBuild,
  output: (event: BuildEvent) => void,
  undo: AsyncDisposableStack,
): Promise<BuiltPlatforms> {
  const { request, environment, digests, directory, signal } = build;
  const platforms = (request.platform ?? "").split(",").map((text) => text.trim());
  const plans: BuildPlan[] = [];
  for (const platform of platforms)
    plans.push(await planPlatform(build, platform, { showsPlatform: platforms.length > 1 }));
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
    own: { flights: createFlights(), results: new Map() },
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
    const { target, stages } = await runPlan(parts, plan, vertices, output);
    const chain = lineageOf(plan);
    const own = records
      .filter(({ plan: of, stage }) => of === plan && chain.includes(stage))
      .map(({ record }) => record);
    lineage.push(...own);
    built.push({ plan, image: { ...imageOf(plan, target, request, own), listed: listedOf(plan, stages) } });
  }
  return { built, lineage, all: records.map(({ record }) => record) };
}

function listedOf(plan: BuildPlan, states: ReadonlyMap<number, StageState>): NonNullable<BuiltImage["listed"]> {
  return plan.stages.flatMap(({ index, name, isListed }) => {
    const state = states.get(index);
    return !isListed || index === plan.target || state === undefined
      ? []
      : [{ name: name ?? String(index), diffIds: state.diffIds }];
  });
}

/** What imports and exports of caches work with. */
export function transferParts(build: OneBuild): TransferParts {
  const { environment, request, directory, reporter, signal } = build;
  return {
    repository: environment.parts.repository,
    caBundle: environment.parts.hostCaBundle,
    credentials: async (registry) => request.registryCredentials?.(registry),
    cacheDirectory: request.cacheDirectory,
    catalog: environment.parts.images.catalog,
    layers: environment.parts.images.layers,
    directory,
    reporter,
    signal,
  };
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
