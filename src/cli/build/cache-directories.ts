import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { SolveBuildBody } from "#formats";
import { packTree } from "../archive/pack.ts";

/** A cache as the daemon is asked for it. */
type CacheChoice = NonNullable<SolveBuildBody["cacheImports"]>[number];

/** What a build with caches in this machine's directories asks of a daemon that has not got them. */
export type CacheDirectories = {
  readonly body: Pick<SolveBuildBody, "cacheImports" | "cacheExports" | "cacheDirectories" | "locals">;
  readonly uploads: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>;
  /** Directories that caches are written to, with their numbers among `cacheDirectories`. */
  readonly written: readonly { readonly path: string; readonly tag: string; readonly number: number }[];
};

type Index = {
  readonly manifests?: readonly { readonly digest: string; readonly annotations?: Record<string, string> }[];
};

const referenceName = "org.opencontainers.image.ref.name";

/** Makes absolute what is relative: the daemon has another working directory. */
export function withAbsolutePaths(choices: readonly CacheChoice[]): CacheChoice[] {
  return choices.map(({ type, attributes }) => {
    if (type !== "local") return { type, attributes };
    const paths = (["src", "dest"] as const).flatMap((name) => {
      const value = attributes[name];
      return value === undefined || value === "" ? [] : [[name, resolve(value)] as const];
    });
    return { type, attributes: { ...attributes, ...Object.fromEntries(paths) } };
  });
}

/** Finds the directories of caches: those that are read are sent when the daemon asks for them. */
export function cacheDirectories(imports: readonly CacheChoice[], exports: readonly CacheChoice[]): CacheDirectories {
  const directories: string[] = [];
  const numberOf = (path: string): number => {
    if (!directories.includes(path)) directories.push(path);
    return directories.indexOf(path);
  };
  const uploads = new Map<string, () => AsyncIterable<Uint8Array>>();
  const locals: Record<string, { readonly upload: string }> = {};
  const cacheImports = imports.map((choice): CacheChoice => {
    const { src } = choice.attributes;
    if (choice.type !== "local" || src === undefined) return choice;
    const number = numberOf(src);
    const digest = choice.attributes["digest"] ?? digestOfTag(src, choice.attributes["tag"] ?? "latest");
    if (digest === undefined) return choice;
    locals[`cache:${src}`] = { upload: `cache-${number}` };
    uploads.set(`cache-${number}`, () => packTree(src, "", { asRoot: true }));
    return { ...choice, attributes: { ...choice.attributes, digest } };
  });
  const written = exports.flatMap(({ type, attributes }) => {
    const { dest, tag = "latest" } = attributes;
    return type !== "local" || dest === undefined ? [] : [{ path: dest, tag, number: numberOf(dest) }];
  });
  return {
    body: { cacheImports, cacheExports: [...exports], cacheDirectories: directories, locals },
    uploads,
    written,
  };
}

function readIndex(directory: string): Index {
  const path = join(directory, "index.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Index) : {};
}

function digestOfTag(directory: string, tag: string): string | undefined {
  return readIndex(directory).manifests?.find(({ annotations }) => annotations?.[referenceName] === tag)?.digest;
}

/** Names what was written in the layout's index, in place of what had the tag before. */
export function writeCacheIndex(directory: string, tag: string, descriptor: string): void {
  mkdirSync(directory, { recursive: true });
  const others = (readIndex(directory).manifests ?? []).filter(
    ({ annotations }) => annotations?.[referenceName] !== tag,
  );
  const entry = { ...(JSON.parse(descriptor) as object), annotations: { [referenceName]: tag } };
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [...others, entry],
  };
  const put = (name: string, text: string) => {
    const draft = join(directory, `${name}.${process.pid}`);
    writeFileSync(draft, text);
    renameSync(draft, join(directory, name));
  };
  put("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  put("index.json", JSON.stringify(index));
}
