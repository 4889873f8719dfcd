import type { BuildExporter, BuildOutcome, ExportProgress } from "../contract.ts";
import type { Output } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";
import { describePacked, pack, timed, withFolder } from "./pack.ts";
import type { ExporterParts, ExportSettings } from "./settings.ts";
import { asStatus } from "./status.ts";

type ImageOutput = Extract<Output, { kind: "image" }>;

/** `type=image`: into the store, to registries, or both. */
export function imageExporter(parts: ExporterParts, output: ImageOutput, settings: ExportSettings): BuildExporter {
  if (output.push !== undefined && settings.push === undefined) throw errors["export-push-unsupported"]();
  return {
    name: "exporting to image",
    export: (outcome, progress) => exportImage(parts, output, outcome, progress, settings),
  };
}

async function exportImage(
  parts: ExporterParts,
  output: ImageOutput,
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
): Promise<Readonly<Record<string, string>>> {
  const [first] = outcome.images;
  if (first === undefined) throw new Error("there is no image to export");
  if (output.store && outcome.images.length > 1 && output.push === undefined) {
    throw errors["export-multi-platform"]("image");
  }
  const images = await timed(parts, output, outcome, progress);
  const [kept = first] = images;
  const exported: Record<string, string> = {
    "containerimage.config.digest": kept.imageId,
    "containerimage.digest": kept.imageId,
    ...(output.names.length === 0 ? {} : { "image.name": output.names.map(({ canonical }) => canonical).join(",") }),
  };
  if (output.store && images.length === 1) {
    await asStatus(progress, `writing image ${kept.imageId}`, async () => {
      parts.catalog.add({
        config: kept.config,
        configBytes: kept.configBytes,
        parentId: kept.base?.id === kept.imageId ? undefined : kept.base?.id,
        tags: output.names.map(({ canonical }) => canonical),
      });
    });
    for (const { familiar, canonical } of output.names) {
      await asStatus(progress, `naming to ${canonical}`, async () => {
        parts.events.emit({
          type: "image",
          action: "tag",
          actor: { id: kept.imageId, attributes: { ...kept.config.config?.Labels, name: familiar } },
        });
      });
    }
  }
  const { push } = settings;
  if (output.push !== undefined && push !== undefined) {
    const { push: how } = output;
    await withFolder(parts.dataRoot, async (directory) => {
      const { packed, close } = await pack(parts, output, images, outcome, progress, settings, directory);
      try {
        for (const name of output.names) {
          await asStatus(progress, `pushing ${name.familiar}`, () =>
            push(
              name,
              packed,
              how,
              (id, current, total) => progress.status({ id, current, total, started: undefined, completed: undefined }),
              outcome.signal,
            ),
          );
        }
        Object.assign(exported, describePacked(packed));
      } finally {
        close();
      }
    });
  }
  return exported;
}
