import type { BuildExporter } from "../contract.ts";
import { archiveExporter } from "./archive-exporter.ts";
import { readOutput } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";
import { filesExporter } from "./files-exporter.ts";
import { imageExporter } from "./image-exporter.ts";
import type { ExporterParts, ExportRequest, ExportSettings } from "./settings.ts";

/** Makes a build's outputs. */
export type Exporters = {
  /** Checks every output before anything is built; throws at the first that cannot be made. */
  open(requests: readonly ExportRequest[], settings: ExportSettings): readonly BuildExporter[];
};

/** Makes the exporters. */
export function createExporters(parts: ExporterParts): Exporters {
  return { open: (requests, settings) => requests.map((request) => exporterOf(parts, request, settings)) };
}

function exporterOf(parts: ExporterParts, request: ExportRequest, settings: ExportSettings): BuildExporter {
  const { choice, destination } = request;
  const output = readOutput(choice, settings.tags);
  switch (output.kind) {
    case "nothing":
      return { name: "", export: () => Promise.resolve({}) };
    case "image":
      return imageExporter(parts, output, settings);
    case "archive":
      if (destination === undefined) throw errors["export-destination"](choice.type);
      return archiveExporter(parts, output, destination, settings);
    case "files":
      if (destination === undefined) throw errors["export-destination"](choice.type);
      return filesExporter(parts, output, destination, settings);
  }
}
