import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import type { BuildOutcome, BuiltImage, ExportProgress } from "../contract.ts";
import { createBlobStore } from "./blob.ts";
import type { ImageOptions } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";
import { descriptorOf, packImages, type PackedImage } from "./packed-image.ts";
import { rewriteTimes } from "./rewrite-times.ts";
import type { ExporterParts, ExportSettings } from "./settings.ts";
import { statementsOf, tellUnscanned } from "./statements.ts";
import { asStatus } from "./status.ts";

/** A folder that is gone when the work is done. */
export async function withFolder<T>(dataRoot: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = join(dataRoot, "builds", `export-${newId().slice(0, 16)}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The images with the times of their layers limited, when that is asked for. */
export function timed(
  parts: ExporterParts,
  options: ImageOptions,
  outcome: BuildOutcome,
  progress: ExportProgress,
): Promise<readonly BuiltImage[]> {
  const { sourceDateEpoch } = outcome;
  if (!options.rewriteTimestamp) return Promise.resolve(outcome.images);
  if (sourceDateEpoch === undefined) {
    throw errors["export-option"]("image", "rewrite-timestamp", "SOURCE_DATE_EPOCH is not set for the build");
  }
  return asStatus(progress, "rewriting layers with source-date-epoch", () =>
    Promise.all(outcome.images.map((image) => rewriteTimes(parts.layers, image, sourceDateEpoch, outcome.signal))),
  );
}

/** Packs images for the way out. Their blobs can be read until `close`. */
export async function pack(
  parts: ExporterParts,
  options: ImageOptions,
  images: readonly BuiltImage[],
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
  directory: string,
): Promise<{ readonly packed: PackedImage; readonly close: () => void }> {
  tellUnscanned(settings, progress);
  const store = createBlobStore(parts.layers, directory);
  try {
    const packed = await asStatus(progress, "exporting layers", () =>
      packImages(images, { ...options, index: settings.multiPlatform }, store, outcome.signal, (image, manifest) =>
        statementsOf(parts, image, manifest, options.names, outcome, settings),
      ),
    );
    await asStatus(progress, `exporting manifest ${packed.root.digest}`, () => Promise.resolve());
    await asStatus(progress, `exporting config ${packed.config.digest}`, () => Promise.resolve());
    return { packed, close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** What clients are told of a packed image. */
export function describePacked(packed: PackedImage): Readonly<Record<string, string>> {
  return {
    "containerimage.digest": packed.root.digest,
    "containerimage.descriptor": Buffer.from(JSON.stringify(descriptorOf(packed.root))).toString("base64"),
  };
}
