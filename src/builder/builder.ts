import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { digestOf, EngineError, type Logger, newId, Semaphore, shortId } from "#base";
import type { Database } from "#db";
import type { EventService, StepService } from "#engine";
import type { BuildCacheDocument, ContainerConfig, Platform } from "#formats";
import { canonicalName, familiarName, tryParseReference, withDefaultTag } from "#formats";
import type { ImageCatalog, ImageRecord, LayerStore, Snapshotter } from "#images";
import { type BuildCache, openBuildCache } from "./cache/build-cache.ts";
import { parseChanges } from "./changes.ts";
import { openContext } from "./context/open-context.ts";
import { errors } from "./errors.ts";
import { parseDockerfile } from "./parse/dockerfile.ts";
import type { BuildPlan, PlannedStage, StageState } from "./plan/operation.ts";
import { planBuild } from "./plan/plan.ts";
import { formatPlatform } from "./plan/platform.ts";
import type { BuildEvent, BuildRequest, BuildResult, PullImage } from "./contract.ts";
import type { BuildParts } from "./run/build-parts.ts";
import { configBytes } from "./run/image-state.ts";
import { runPlan } from "./run/run-plan.ts";
import { snapshotPrefix } from "./run/snapshot.ts";

/** What the builder is made of. */
export type BuilderParts = {
  readonly images: {
    readonly catalog: ImageCatalog;
    readonly layers: LayerStore;
    readonly snapshots: Snapshotter;
  };
  readonly steps: StepService;
  readonly database: Database;
  /** The daemon's data root; the builder keeps what it needs for a moment in `<data root>/builds`. */
  readonly dataRoot: string;
  readonly events: Pick<EventService, "emit">;
  readonly logger: Logger;
  /** Certificates that ADD trusts when it downloads. RUN's trust is the step service's. @default the host's bundle */
  readonly hostCaBundle?: string | undefined;
  /** Fetches an image that is not here, or anew for `pull`. Without it only local images can be built on. */
  readonly pullImage?: PullImage | undefined;
};

/** Builds images from Dockerfiles. */
export type Builder = {
  /**
   * Runs a build to its end and tags the result. Nothing half done is ever referenced: an image exists once all its layers
   * are durable, tags move last. Rejects with an EngineError; a command that failed leaves its code as `exitCode` on it.
   * @param output gets everything the build says, in order
   */
  build(request: BuildRequest, output: (event: BuildEvent) => void, signal: AbortSignal): Promise<BuildResult>;
  /** The instructions of `commit --change` and `import --change` as an edit of a config. */
  changes(instructions: readonly string[]): (config: ContainerConfig) => ContainerConfig;
  /** Results the cache holds. */
  cache(): readonly BuildCacheDocument[];
  /** Forgets results of the cache and frees their layers. */
  prune: BuildCache["prune"];
  /** Removes what builds of an earlier daemon left: their snapshots and files. Run once at start, before any build. */
  sweep(): Promise<void>;
};

/** Makes the builder. Nothing is touched on disk before `sweep` or the first build. */
export function createBuilder(parts: BuilderParts): Builder {
  const { images, logger } = parts;
  const root = join(parts.dataRoot, "builds");
  const cache = openBuildCache({ database: parts.database, layers: images.layers });
  const slots = new Semaphore(Math.max(2, availableParallelism()));
  return {
    build: async (request, output, signal) => {
      const network = checkRequest(request, parts);
      const tags = request.tags.map(checkedTag);
      const directory = join(root, newId().slice(0, 16));
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const digests = cache.fileDigests();
      await using undo = new AsyncDisposableStack();
      undo.defer(() => rmSync(directory, { recursive: true, force: true }));
      try {
        const context = await openContext(request, { spoolPath: join(directory, "context"), digests, signal });
        undo.defer(() => context.tree.close());
        const dockerfile = parseDockerfile(context.dockerfile.text, context.dockerfile.name);
        const plan = await planBuild(dockerfile, {
          arguments: request.buildArgs,
          labels: request.labels,
          target: request.target,
          platform: request.platform,
          findImage: (reference, platform) => findImage(parts, request, reference, platform, signal),
        });
        const say = (stream: string) => output({ kind: "classic", stream });
        for (const warning of dockerfile.warnings) say(`[WARNING]: ${warning}\n`);
        if (dockerfile.warnings.length > 0) {
          say("[WARNING]: Empty continuation lines will become errors in a future release.\n");
        }
        const lease = images.layers.lease(baseLayers(plan));
        undo.defer(() => lease.release());
        const buildParts: BuildParts = {
          ...images,
          steps: parts.steps,
          cache,
          logger,
          request,
          context: context.tree,
          directory,
          runEnvironment: {
            platform: formatPlatform(plan.platform),
            network: request.networkMode ?? "default",
            hostNames: request.extraHosts.map((entry) => entry.split(/[:=]/)[0] ?? "").sort(),
            shmSizeBytes: request.shmSizeBytes,
            ulimits: request.ulimits.map((limit) => `${limit.Name}=${limit.Soft}:${limit.Hard}`).sort(),
            securityOpt: [...request.securityOpt].sort(),
          },
          network,
          cacheImages: request.cacheFrom
            .map((reference) => images.catalog.find(reference))
            .filter((image) => image !== undefined),
          hostCaBundle: parts.hostCaBundle,
          lease,
          slots,
          signal,
        };
        const state = await runPlan(buildParts, plan, output);
        const imageId = keepImage(parts, plan, state, tags);
        if (plan.unconsumed.length > 0) {
          say(`[Warning] One or more build-args [${plan.unconsumed.join(" ")}] were not consumed\n`);
        }
        say(`Successfully built ${shortId(imageId)}\n`);
        for (const { familiar } of tags) say(`Successfully tagged ${familiar}\n`);
        const image = {
          platform: plan.platform,
          config: state.image,
          configBytes: configBytes(state.image),
          imageId: digestOf(configBytes(state.image)),
          diffIds: state.diffIds,
          base: baseImageOf(plan, plan.target),
        };
        return { imageId, images: [image], warnings: [], steps: [], exported: {} };
      } catch (error) {
        if (signal.aborted && !(error instanceof EngineError && error.kind !== "cancelled")) {
          throw errors["build-cancelled"]();
        }
        throw error;
      } finally {
        digests.flush();
      }
    },
    changes: parseChanges,
    cache: () => cache.list(),
    prune: (options) => cache.prune(options),
    sweep: async () => {
      for (const id of await images.snapshots.list()) {
        if (id.startsWith(snapshotPrefix)) await images.snapshots.remove(id);
      }
      mkdirSync(root, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true });
    },
  };
}

/** Refuses what this builder cannot do; returns the network of RUN steps. */
function checkRequest(request: BuildRequest, parts: BuilderParts): BuildParts["network"] {
  if (request.remote !== undefined && request.remote !== "") throw errors["build-context-unsupported"](request.remote);
  if (request.squash) throw errors["build-squash"]();
  if (request.version !== undefined && request.version !== "" && request.version !== "1") {
    throw errors["build-option-unsupported"](
      `builder version ${request.version}`,
      "only the classic builder, 1, is there",
    );
  }
  if (request.outputs !== undefined && request.outputs !== "") {
    throw errors["build-option-unsupported"]("outputs", "they belong to BuildKit, and this is the classic builder");
  }
  if (request.pull && parts.pullImage === undefined) {
    throw errors["build-option-unsupported"]("pull", "this engine cannot fetch images from registries");
  }
  for (const entry of request.extraHosts) {
    if (!/^[^:=]+[:=].+$/.test(entry)) {
      throw errors["build-option-invalid"]("extra host", `${JSON.stringify(entry)} is not name:address`);
    }
  }
  if (request.shmSizeBytes !== undefined && request.shmSizeBytes < 0) {
    throw errors["build-option-invalid"]("shm size", `${request.shmSizeBytes} is not greater than 0`);
  }
  return networkOf(request.networkMode);
}

function networkOf(mode: string | undefined): BuildParts["network"] {
  if (mode === undefined || mode === "" || mode === "default" || mode === "bridge") return "default";
  if (mode === "none" || mode === "host") return mode;
  const container = /^container:(.+)$/.exec(mode)?.[1];
  if (container !== undefined) return { containerId: container };
  throw errors["build-option-unsupported"](
    `network ${JSON.stringify(mode)}`,
    "steps can use the networks default, none, host and container:<id>",
  );
}

type Tag = { readonly canonical: string; readonly familiar: string };

function checkedTag(text: string): Tag {
  const reference = tryParseReference(text);
  if (reference === undefined)
    throw errors["build-option-invalid"]("tag", `${JSON.stringify(text)}: invalid reference format`);
  if (reference.digest !== undefined) throw errors["build-option-invalid"]("tag", "build tag cannot contain a digest");
  const whole = withDefaultTag(reference);
  return { canonical: canonicalName(whole), familiar: familiarName(whole) };
}

async function findImage(
  parts: BuilderParts,
  request: BuildRequest,
  reference: string,
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<ImageRecord> {
  const { pullImage } = parts;
  if (pullImage === undefined) return parts.images.catalog.get(reference);
  const local = request.pull ? undefined : parts.images.catalog.find(reference);
  return local ?? pullImage(reference, platform, signal);
}

function baseLayers(plan: BuildPlan) {
  const records = plan.stages.flatMap((stage) => [
    ...(stage.base.kind === "image" ? [stage.base.record] : []),
    ...stage.steps.flatMap(({ operation }) =>
      operation?.kind === "copy" && operation.origin.kind === "image" ? [operation.origin.record] : [],
    ),
  ]);
  return records.flatMap((record) => record.config.rootfs.diff_ids);
}

/** Enters the result into the catalogue, all at once, and tags it. */
function keepImage(parts: BuilderParts, plan: BuildPlan, state: StageState, tags: readonly Tag[]): string {
  const { catalog } = parts.images;
  const base = baseImageOf(plan, plan.target);
  if (state.imageId === "") throw errors["build-no-stage"]();
  const names = tags.map((tag) => tag.canonical);
  let { imageId } = state;
  if (base?.id === imageId) for (const name of names) catalog.tag(imageId, name);
  else {
    imageId = catalog.add({
      config: state.image,
      configBytes: configBytes(state.image),
      parentId: base?.id,
      tags: names,
    }).id;
  }
  for (const { familiar } of tags) {
    parts.events.emit({ type: "image", action: "tag", actor: { id: imageId, attributes: { name: familiar } } });
  }
  return imageId;
}

/** The image that a stage's lineage begins with. */
function baseImageOf(plan: BuildPlan, index: number): ImageRecord | undefined {
  const stage: PlannedStage | undefined = plan.stages.find((candidate) => candidate.index === index);
  if (stage === undefined || stage.base.kind === "scratch") return undefined;
  return stage.base.kind === "image" ? stage.base.record : baseImageOf(plan, stage.base.index);
}
