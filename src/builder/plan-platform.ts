import { digestOf } from "#base";
import type { Platform } from "#formats";
import type { ImageRecord } from "#images";
import { namedContext } from "./context/named-context.ts";
import { readLayoutImage } from "./context/oci-layout.ts";
import type { OneBuild } from "./one-build.ts";
import type { BuildPlan } from "./plan/operation.ts";
import { planBuild } from "./plan/plan.ts";
import { platformFits } from "./plan/platform.ts";
import type { PlanOptions } from "./plan/stage-plan.ts";
import { lineOf } from "./read-source.ts";
import { withFailure } from "./run/failure.ts";

/** Plans the build of one platform. What is wrong with a line of the Dockerfile fails with that line. */
export async function planPlatform(
  build: OneBuild,
  platform: string,
  options: Partial<PlanOptions>,
): Promise<BuildPlan> {
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
