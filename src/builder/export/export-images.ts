import { digestOf } from "#base";
import { keepImage } from "../built-image.ts";
import type { BuildOutcome } from "../contract.ts";
import type { BuiltPlatform, OneBuild } from "../one-build.ts";
import { withRootfs } from "../run/snapshot.ts";
import type { Tag } from "../tag.ts";

/** Makes the outputs of a build, one after the other; without any the image goes into the store. Returns what they say. */
export async function exportImages(
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
  const { snapshots } = environment.parts.images;
  const outcome: BuildOutcome = {
    images: images.map(({ image }) => image),
    mount: (image, work) => withRootfs({ snapshots }, image.diffIds, (rootfs) => work(rootfs, snapshots.idMapping)),
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
