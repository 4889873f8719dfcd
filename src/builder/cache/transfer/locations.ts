import { isAbsolute } from "node:path";
import { parseReference } from "#formats";
import { EngineError, errorMessage } from "#base";
import type { RegistryCredentials, RemoteRepository } from "#registry";
import type { CacheDirectory, CacheLocation } from "../../contract.ts";
import { errors } from "../../errors.ts";
import { checkCloudLocation, cloudAttributes, isCloudLocation, openCloudPlace } from "./cloud-locations.ts";
import type { CacheExportOptions } from "./export-cache.ts";
import { type CachePlace, clientPlace, localPlace, registryPlace } from "./places.ts";

/**
 * Opens a registry's repository ("docker.io/library/debian") as a user.
 * @param options.insecure the registry may speak plain HTTP or show a certificate nobody knows
 */
export type OpenRepository = (
  name: string,
  access: "pull" | "push",
  credentials: RegistryCredentials,
  options?: { readonly insecure?: boolean },
) => Promise<RemoteRepository>;

export type LocationParts = {
  readonly repository: OpenRepository | undefined;
  /** A file of certificates that stores in clouds may be signed by. */
  readonly caBundle: string | undefined;
  readonly credentials: (registry: string) => Promise<RegistryCredentials | undefined>;
  readonly cacheDirectory?: ((path: string) => CacheDirectory | undefined) | undefined;
};

const everyExport = ["mode", "compression", "compression-level", "force-compression", "ignore-error"];
const manifestForms = ["image-manifest", "oci-mediatypes"];

/** The attributes of each type; exports have those of every export too. */
const known: Readonly<Record<CacheLocation["type"], Readonly<Record<"import" | "export", readonly string[]>>>> = {
  inline: { import: [], export: [] },
  registry: {
    import: ["ref", "registry.insecure"],
    export: ["ref", "registry.insecure", ...manifestForms],
  },
  local: {
    import: ["src", "tag", "digest"],
    export: ["dest", "tag", "reset", ...manifestForms],
  },
  ...cloudAttributes,
};

/** What an export's attributes say. */
export type ExportSettings = CacheExportOptions & {
  readonly mode: "min" | "max";
  /** A failure is told and the build goes on. */
  readonly ignoresErrors: boolean;
  /** Start with an empty directory. */
  readonly reset: boolean;
};

/** Checks a location's attributes; throws `build-option-invalid` for what has no meaning. */
export function checkLocation(location: CacheLocation, direction: "import" | "export"): void {
  const { type, attributes } = location;
  const option = direction === "import" ? "cache-from" : "cache-to";
  const fail = (reason: string) => errors["build-option-invalid"](option, reason);
  const allowed = [...known[type][direction], ...(direction === "export" ? everyExport : [])];
  for (const name of Object.keys(attributes)) {
    if (!allowed.includes(name)) throw fail(`${JSON.stringify(name)} is no attribute of type=${type}`);
  }
  const path = direction === "import" ? "src" : "dest";
  if (type === "local") {
    const value = attributes[path];
    if (value === undefined || !isAbsolute(value)) throw fail(`type=local needs ${path} with an absolute path`);
  }
  if (type === "registry") {
    if (attributes["ref"] === undefined) throw fail("type=registry needs ref");
    const insecure = attributes["registry.insecure"] ?? "false";
    if (!/^(?:true|false|1|0)$/.test(insecure)) throw fail(`registry.insecure=${insecure} is neither true nor false`);
    try {
      parseReference(attributes["ref"]);
    } catch (error) {
      throw fail(errorMessage(error));
    }
  }
  if (isCloudLocation(location)) checkCloudLocation(location, fail);
  if (direction === "export") readExportSettings(location);
}

/** Reads what an export's attributes say. */
export function readExportSettings({ type, attributes }: CacheLocation): ExportSettings {
  const fail = (reason: string) => errors["build-option-invalid"]("cache-to", reason);
  const mode = attributes["mode"] ?? "min";
  if (mode !== "min" && mode !== "max") throw fail(`mode=${mode} is neither min nor max`);
  if (type === "inline" && mode === "max") throw fail("type=inline knows mode=min only");
  const compression = attributes["compression"] ?? "gzip";
  if (compression !== "gzip" && compression !== "zstd" && compression !== "uncompressed") {
    throw fail(`compression=${compression} is none of gzip, zstd and uncompressed`);
  }
  const level = attributes["compression-level"];
  if (level !== undefined && !/^\d{1,2}$/.test(level)) throw fail(`compression-level=${level} is no level`);
  const flag = (name: string, byDefault: boolean) => {
    const value = attributes[name];
    if (value === undefined) return byDefault;
    if (!/^(?:true|false|1|0)$/.test(value)) throw fail(`${name}=${value} is neither true nor false`);
    return value === "true" || value === "1";
  };
  const isManifest = flag("image-manifest", true) && flag("oci-mediatypes", true);
  return {
    mode,
    compression,
    compressionLevel: level === undefined ? undefined : Number(level),
    form: isManifest ? "manifest" : "index",
    ignoresErrors: flag("ignore-error", false),
    reset: flag("reset", false),
  };
}

/** Opens the place that a location names. Inline caches have none. */
export async function openPlace(
  parts: LocationParts,
  location: CacheLocation,
  direction: "import" | "export",
): Promise<CachePlace> {
  if (isCloudLocation(location)) return openCloudPlace(location, parts.caBundle);
  const { type, attributes } = location;
  if (type === "local") {
    const directory = (direction === "import" ? attributes["src"] : attributes["dest"]) ?? "";
    const held = parts.cacheDirectory?.(directory);
    const { tag = "latest", digest } = attributes;
    return held === undefined ? localPlace(directory, tag, digest) : clientPlace(held, directory, digest);
  }
  const reference = parseReference(attributes["ref"] ?? "");
  if (parts.repository === undefined) {
    throw errors["build-option-unsupported"]("a cache in a registry", "this engine speaks to no registries");
  }
  const registry = reference.repository.slice(0, reference.repository.indexOf("/"));
  const credentials = (await parts.credentials(registry)) ?? {};
  const access = direction === "import" ? "pull" : "push";
  const insecure = isYes(attributes["registry.insecure"]);
  const repository = await parts.repository(reference.repository, access, credentials, insecure ? { insecure } : {});
  return registryPlace(repository, reference.digest ?? reference.tag ?? "latest");
}

function isYes(value: string | undefined): boolean {
  return value === "true" || value === "1";
}

/** True for a failure that only means that there is nothing to import yet. */
export function isAbsent(error: unknown): boolean {
  return error instanceof EngineError && error.kind === "not-found";
}
