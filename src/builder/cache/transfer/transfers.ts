import { rmSync } from "node:fs";
import { join } from "node:path";
import { digestOf, errorMessage } from "#base";
import type { ImageCatalog, LayerStore } from "#images";
import type { BuildRequest } from "../../contract.ts";
import type { Reporter } from "../../run/reporter.ts";
import type { ImportedCache } from "../imported.ts";
import type { CacheRecord } from "./cache-config.ts";
import { errors } from "../../errors.ts";
import { exportCache } from "./export-cache.ts";
import { importCache, importFromImage } from "./import-cache.ts";
import { checkLocation, isAbsent, type LocationParts, openPlace, readExportSettings } from "./locations.ts";

export type TransferParts = LocationParts & {
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  /** For what an export needs for a moment. */
  readonly directory: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
};

/** Refuses caches whose attributes have no meaning, before anything is done. */
export function checkCaches(request: BuildRequest): void {
  for (const location of request.cacheImports ?? []) checkLocation(location, "import");
  for (const location of request.cacheExports ?? []) checkLocation(location, "export");
}

/** Reads what the imports offer. One that cannot be read is told of and left out: a cache is no condition of a build. */
export async function importCaches(parts: TransferParts, request: BuildRequest): Promise<ImportedCache[]> {
  const found: ImportedCache[] = [];
  for (const location of request.cacheImports ?? []) {
    if (location.type === "inline") continue;
    const { attributes } = location;
    const name = attributes["ref"] ?? attributes["src"] ?? attributes["name"] ?? attributes["scope"] ?? location.type;
    const local = location.type === "registry" ? parts.catalog.find(name) : undefined;
    const inline =
      local === undefined ? undefined : importFromImage(name, parts.catalog.configBytesOf(local.id), parts.layers);
    if (inline !== undefined) {
      found.push(inline);
      continue;
    }
    const vertex = digestOf(`import ${location.type} ${name}`);
    const shown = location.type === "local" ? "local cache manifest" : "cache manifest";
    parts.reporter.announce({ digest: vertex, name: `importing ${shown} from ${name}` });
    parts.reporter.start(vertex);
    const warn = (text: string) => parts.reporter.log(vertex, "stderr", Buffer.from(text));
    try {
      const place = await openPlace(parts, location, "import");
      const cache = await importCache({ layers: parts.layers, warn }, place, parts.signal);
      if (cache === undefined) warn(`there is no cache at ${name}\n`);
      else found.push(cache);
      parts.reporter.complete(vertex);
    } catch (error) {
      parts.signal.throwIfAborted();
      if (!isAbsent(error)) warn(`${errorMessage(error)}\n`);
      parts.reporter.complete(vertex, { error: errorMessage(error) });
    }
  }
  return found;
}

/**
 * Writes the results of a build's steps to where the request wants them.
 * Returns what the client is told of it.
 * @param lineage results of the steps that the image is made of; `all` those of every stage
 */
export async function exportCaches(
  parts: TransferParts,
  request: BuildRequest,
  lineage: readonly CacheRecord[],
  all: readonly CacheRecord[],
): Promise<Readonly<Record<string, string>>> {
  let facts: Readonly<Record<string, string>> = {};
  for (const location of request.cacheExports ?? []) {
    if (location.type === "inline") continue;
    const settings = readExportSettings(location);
    const target =
      location.type === "local"
        ? "client directory"
        : location.type === "registry"
          ? `registry ${location.attributes["ref"] ?? ""}`
          : location.type;
    const vertex = digestOf(`export cache ${location.type} ${JSON.stringify(location)}`);
    parts.reporter.announce({ digest: vertex, name: `exporting cache to ${target}` });
    parts.reporter.start(vertex);
    const progress = (text: string) => parts.reporter.log(vertex, "stdout", Buffer.from(text));
    try {
      if (settings.reset && location.type === "local") resetLayout(parts, location.attributes["dest"] ?? "");
      const place = await openPlace(parts, location, "export");
      const records = settings.mode === "max" ? all : lineage;
      let isWhole = false;
      try {
        await exportCache({ ...parts, progress }, place, records, settings, parts.signal);
        isWhole = true;
      } finally {
        await place.finish?.(isWhole);
      }
      facts = { ...facts, ...place.facts?.() };
      parts.reporter.complete(vertex);
    } catch (error) {
      parts.signal.throwIfAborted();
      parts.reporter.complete(vertex, { error: errorMessage(error) });
      if (!settings.ignoresErrors) throw error;
    }
  }
  return facts;
}

/** Empties an image layout; whatever else lies in the directory stays. */
function resetLayout(parts: TransferParts, directory: string): void {
  if (parts.cacheDirectory?.(directory) !== undefined) {
    throw errors["build-option-invalid"]("cache-to", `reset: ${directory} is the client's, which must empty it itself`);
  }
  for (const name of ["blobs", "index.json", "oci-layout"])
    rmSync(join(directory, name), { recursive: true, force: true });
}
