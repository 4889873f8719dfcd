import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor, ImageIndex, ImageManifest, Platform } from "#formats";
import { configDirectory } from "../configuration/config-file.ts";

/** Docker's `Platform` of a manifest list: OCI's and what Windows needs. */
export type ListedPlatform = Platform & { "os.features"?: string[] };

/**
 * A manifest of a list that is being made, as docker keeps it (cli: manifest/types/types.go), so that both commands can
 * go on with each other's work.
 */
export type ListedManifest = {
  /** Fully qualified name it was found under. */
  readonly Ref: string;
  readonly Descriptor: Omit<Descriptor, "platform"> & { platform: ListedPlatform };
  /** The manifest's bytes, base64. */
  readonly Raw: string;
  readonly SchemaV2Manifest?: ImageManifest;
  readonly OCIManifest?: ImageManifest;
};

/** A fully qualified name as a file name. */
function fileName(reference: string): string {
  return reference.replaceAll(":", "-").replaceAll("/", "_");
}

function directoryOf(list: string): string {
  return join(configDirectory(), "manifests", fileName(list));
}

/** True when a list of that name is being made. */
export function hasList(list: string): boolean {
  return existsSync(directoryOf(list));
}

/** The manifests of a list, by name; undefined when there is no such list. */
export function readList(list: string): readonly ListedManifest[] | undefined {
  if (!hasList(list)) return undefined;
  const directory = directoryOf(list);
  return readdirSync(directory)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as ListedManifest);
}

/** Puts a manifest into a list; makes the list. */
export function writeListed(list: string, manifest: ListedManifest): void {
  const directory = directoryOf(list);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, fileName(manifest.Ref)), JSON.stringify(manifest), { mode: 0o644 });
}

/** Forgets a list; false when there is none. */
export function removeList(list: string): boolean {
  if (!hasList(list)) return false;
  rmSync(directoryOf(list), { recursive: true });
  return true;
}

/** What is pushed: the manifests' descriptors, with the platforms they were given. */
export function indexOf(manifests: readonly ListedManifest[], mediaType: string): ImageIndex {
  return {
    schemaVersion: 2,
    mediaType,
    manifests: manifests.map(({ Descriptor: descriptor }) => ({
      mediaType: descriptor.mediaType,
      size: descriptor.size,
      digest: descriptor.digest,
      platform: descriptor.platform,
    })),
  };
}
