import type { Digest } from "#base";
import type { CachedStep } from "../cache/build-cache.ts";
import type { FlightOutput } from "../cache/flights.ts";
import { configKey, runKey, workdirKey } from "../cache/keys.ts";
import { shortDigest } from "../cache/reasons.ts";
import type { StepReport } from "../contract.ts";
import { prepareMounts } from "../mounts/prepare.ts";
import type { FileOperation, PlannedStage, PlannedStep, RunOperation, StageState } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { findInImages } from "./cache-from.ts";
import type { StepOutput } from "./classic-output.ts";
import { prepareCopy } from "./copy-step.ts";
import { asDiskFull } from "./disk-full.ts";
import { emptyLayer } from "./empty-layer.ts";
import { timeOfEpoch, timeOfNow } from "./image-state.ts";
import type { StageResults } from "./layers-of.ts";
import { checkEntitlements, runStep } from "./run-step.ts";
import { workdirStep } from "./workdir-step.ts";

/** A step and what it starts from. */
export type StepParts = {
  readonly stage: PlannedStage;
  readonly step: PlannedStep;
  readonly state: StageState;
  readonly others: StageResults;
  readonly vertex: Digest | undefined;
  readonly output: StepOutput;
};

export type StepResult = CachedStep & {
  readonly createdBy: string | undefined;
  readonly key: string;
  /** A row of this cache, whose use is noted. */
  readonly isHit: boolean;
  /** Nothing had to be run. */
  readonly isCached: boolean;
};

/** A step ready to be looked up and, on a miss, made. */
type Prepared = {
  readonly key: string;
  readonly createdBy: string | undefined;
  /** What the key is made of, for the reasons of a miss. */
  readonly ingredients: ReadonlyMap<string, string>;
  make(output: (output: FlightOutput) => void): Promise<Digest | undefined>;
  close(): void;
};

/** Takes a step's result from the cache, or makes it and keeps it. */
export async function takeStep(parts: BuildParts, step: StepParts): Promise<StepResult> {
  const prepared = await prepareStep(parts, step);
  try {
    return await remember(parts, step, prepared);
  } finally {
    prepared.close();
  }
}

async function prepareStep(parts: BuildParts, given: StepParts): Promise<Prepared> {
  const { step, state, others } = given;
  const { operation } = step;
  const createdBy = typeof step.createdBy === "function" ? undefined : step.createdBy;
  const close = () => {};
  if (operation === undefined) {
    const key = configKey(state.imageId, createdBy ?? step.source, step.config);
    return { key, createdBy, ingredients: new Map(), make: async () => undefined, close };
  }
  const below = new Map([["the step before", shortDigest(state.diffIds.join())]]);
  if (operation.kind === "run") {
    checkEntitlements(parts, operation);
    const mounts = await prepareMounts(parts, operation, others);
    return {
      key: runKey(operation, state.diffIds, parts.runEnvironment, mounts.keys),
      createdBy,
      ingredients: new Map([...below, ...runIngredients(parts, operation), ...mounts.ingredients]),
      make: (output) => given.output.running(() => runStep(parts, operation, state.diffIds, mounts, output)),
      close,
    };
  }
  if (operation.kind === "workdir") {
    return {
      key: workdirKey(operation, state.diffIds),
      createdBy,
      ingredients: new Map([...below, ["the user", operation.user]]),
      make: () => workdirStep(parts, operation, state.diffIds),
      close,
    };
  }
  const say = (text: string) => {
    given.output.say(text);
    if (given.vertex !== undefined) parts.reporter.log(given.vertex, "stderr", Buffer.from(text));
  };
  const copy = await prepareCopy(parts, operation, state.diffIds, others, say);
  return {
    key: copy.key,
    createdBy: typeof step.createdBy === "function" ? step.createdBy(copy.content) : step.createdBy,
    ingredients: new Map([...(operation.link ? [] : below), ...copy.files]),
    make: () => copy.execute(),
    close: () => copy.close(),
  };
}

function runIngredients(parts: BuildParts, operation: RunOperation): Map<string, string> {
  const variables = operation.keyedEnvironment.map((entry) => {
    const at = entry.indexOf("=");
    return [`the variable ${entry.slice(0, at)}`, shortDigest(entry.slice(at + 1))] as const;
  });
  return new Map([
    ["the command", shortDigest(JSON.stringify(operation.args))],
    ...variables,
    ["the directory", operation.directory],
    ["the user", operation.user],
    ["the build's options", shortDigest(JSON.stringify(parts.runEnvironment))],
  ]);
}

async function remember(parts: BuildParts, given: StepParts, prepared: Prepared): Promise<StepResult> {
  const { step, stage, output, vertex } = given;
  const { key, createdBy } = prepared;
  const begun = performance.now();
  const report = (outcome: StepReport["outcome"], reason: string) => {
    if (vertex === undefined || step.vertexName === undefined) return;
    const source = { file: parts.file, startLine: step.startLine, endLine: step.endLine };
    const milliseconds = Math.round(performance.now() - begun);
    parts.reporter.explain({ vertex, name: step.vertexName, source, outcome, reason, milliseconds });
  };
  const place = `${parts.file} ${stage.name ?? stage.index} ${placeOf(step.operation, step)}`;
  const usesCache = !parts.request.noCache && !stage.noCache;
  if (usesCache) {
    const hit = await findResult(parts, given, prepared);
    if (hit !== undefined) {
      output.say(" ---> Using cache\n");
      report(hit.outcome, hit.reason);
      return { ...(await settled(parts, step, hit)), createdBy, key, isHit: hit.isOurs, isCached: true };
    }
  }
  const own = usesCache || step.operation === undefined ? undefined : parts.own.results.get(key);
  if (own !== undefined) {
    report("shared", "another platform or stage of this build made it");
    return { ...(await settled(parts, step, own)), createdBy, key, isHit: false, isCached: false };
  }
  const reason = usesCache
    ? parts.reasons.explain(place, prepared.ingredients)
    : parts.request.noCache
      ? "--no-cache"
      : "--no-cache-filter";
  if (step.operation !== undefined) parts.reasons.remember(place, prepared.ingredients);
  const listen = (piece: FlightOutput) => {
    output.command(piece);
    if (vertex !== undefined) parts.reporter.log(vertex, piece.stream, piece.data);
  };
  const make = (listener: (piece: FlightOutput) => void) =>
    parts.slots.run(async () => {
      parts.signal.throwIfAborted();
      if (vertex !== undefined) parts.reporter.start(vertex);
      const diffId = await asDiskFull(step.source, () => prepared.make(listener));
      const made = { diffId, created: timeOfNow() };
      parts.cache.save(key, { ...made, description: step.source });
      parts.own.results.set(key, made);
      return made;
    });
  // A build that ignores the cache gives to others, but takes nothing: only what it has made itself counts for it.
  const { flights } = usesCache ? parts : parts.own;
  const result = await flights.share(key, { signal: parts.signal, listen }, make);
  if (result.diffId !== undefined) parts.lease.add(result.diffId);
  report(
    result.isShared ? "shared" : step.operation === undefined ? "config" : "miss",
    !result.isShared ? reason : `another ${usesCache ? "build" : "stage"} was making it`,
  );
  return { ...(await settled(parts, step, result)), createdBy, key, isHit: false, isCached: false };
}

/** What names a step over builds in which its inputs change: a RUN's text may change too, its place does not. */
function placeOf(operation: FileOperation | undefined, step: PlannedStep): string {
  return operation === undefined ? step.source : step.source.replace(/\s+/g, " ");
}

type Found = CachedStep & {
  readonly outcome: "hit" | "imported";
  readonly reason: string;
  /** Whether it is a row of this cache, whose use is noted. */
  readonly isOurs: boolean;
};

/** Looks in the cache, in images of `--cache-from`, and in imported caches; what is found is held. */
async function findResult(parts: BuildParts, given: StepParts, prepared: Prepared): Promise<Found | undefined> {
  const { key, createdBy } = prepared;
  // The classic builder takes nothing but those images when it is given any.
  const isExclusive = parts.dialect === "classic" && parts.request.cacheFrom.length > 0;
  const known = isExclusive ? undefined : parts.cache.find(key);
  if (known !== undefined) {
    // Nothing may come between finding a layer and holding it.
    if (known.diffId !== undefined) parts.lease.add(known.diffId);
    return {
      diffId: known.diffId,
      created: known.created,
      outcome: "hit",
      reason: "same inputs as before",
      isOurs: true,
    };
  }
  const image = createdBy === undefined ? undefined : findInImages(parts.cacheImages, given.state, createdBy);
  if (image !== undefined && (image.diffId === undefined || parts.layers.has(image.diffId))) {
    if (image.diffId !== undefined) parts.lease.add(image.diffId);
    return { ...image, outcome: "imported", reason: "an image of --cache-from has it", isOurs: false };
  }
  for (const imported of parts.imported) {
    const found = imported.find(key);
    if (found === undefined) continue;
    const isHere = found.diffId === undefined || (await imported.fetch(found.diffId, parts.signal));
    if (!isHere) continue;
    if (found.diffId !== undefined) parts.lease.add(found.diffId);
    parts.cache.save(key, { diffId: found.diffId, created: found.created, description: given.step.source });
    return { ...found, outcome: "imported", reason: `${imported.name} has it`, isOurs: false };
  }
  return undefined;
}

/** A result as the image tells it: BuildKit's steps make a layer even when they change nothing. */
async function settled(parts: BuildParts, step: PlannedStep, result: CachedStep): Promise<CachedStep> {
  const created = parts.epoch === undefined ? result.created : timeOfEpoch(parts.epoch);
  const needsLayer = parts.dialect === "buildkit" && step.operation !== undefined && result.diffId === undefined;
  return { created, diffId: needsLayer ? await emptyLayer(parts) : result.diffId };
}
