import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, isErrorKind, type Logger } from "#base";
import { type ContentDigest, isContentDigest } from "../digest.ts";
import { serverErrors } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { readManifest } from "../repositories/manifest-document.ts";
import type { Repositories } from "../repositories/repositories.ts";
import { type GrowingFile, growFile } from "./growing-file.ts";
import type { MirrorOptions, Upstream } from "./upstream.ts";

/** Fetches from other registries what is asked for and not here, and keeps it. */
export type Mirror = {
  /** The repository's name here, for a client that names the registry it means (`?ns=docker.io`, as containerd does). */
  localName(repository: string, namespace: string | null): string;
  /** True when the repository is somebody else's: nothing can be pushed to it. */
  owns(repository: string): boolean;
  /** Makes the manifest present and fresh, if the upstream has it. When the upstream fails, what is here is good enough. */
  manifest(repository: string, reference: string): Promise<void>;
  /** A blob that is not here: the answer while it is still being fetched, or true once it is here, false if it cannot be had. */
  blob(repository: string, digest: ContentDigest, request: Request): Promise<Response | boolean>;
};

type Known = { readonly size: number; readonly mediaType: string };

/** How many sizes are remembered; what is forgotten is looked up in the manifests again. */
const REMEMBERED = 50_000;

/** Sets up mirrors. `connect` reaches one repository of one upstream. */
export function createMirror(parts: {
  readonly mirrors: readonly MirrorOptions[];
  readonly connect: (options: MirrorOptions, path: string) => Upstream;
  readonly repositories: Repositories;
  readonly directory: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
}): Mirror {
  const { mirrors, repositories, metrics, logger } = parts;
  const directory = join(parts.directory, "mirror");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
  const flights = new Map<string, Promise<void>>();
  const downloads = new Map<ContentDigest, Promise<GrowingFile>>();
  const sizes = new Map<ContentDigest, Known>();
  // The longest prefix wins.
  const sorted = mirrors.toSorted((left, right) => right.prefix.length - left.prefix.length);

  const mirrorOf = (repository: string) => sorted.find(({ prefix }) => repository.startsWith(prefix));

  const upstreamOf = (repository: string): Upstream | undefined => {
    const options = mirrorOf(repository);
    return options === undefined ? undefined : parts.connect(options, repository.slice(options.prefix.length));
  };

  const remember = (bytes: Uint8Array, mediaType: string) => {
    if (sizes.size > REMEMBERED) sizes.clear();
    for (const blob of readManifest(bytes, mediaType).blobs) {
      sizes.set(blob.digest, { size: blob.size, mediaType: blob.mediaType });
    }
  };

  const once = (key: string, work: () => Promise<void>): Promise<void> => {
    let flight = flights.get(key);
    if (flight === undefined) {
      flight = work().finally(() => flights.delete(key));
      flights.set(key, flight);
    }
    return flight;
  };

  const fetchManifest = async (upstream: Upstream, repository: string, reference: string) => {
    const { bytes, mediaType } = await upstream.manifest(reference);
    const isDigest = isContentDigest(reference);
    await repositories.putManifest(repository, {
      bytes,
      contentType: mediaType.split(";")[0]?.trim().toLowerCase(),
      tags: isDigest ? [] : [reference],
      expected: isDigest ? reference : undefined,
      sparse: true,
    });
    remember(bytes, mediaType.split(";")[0]?.trim().toLowerCase() ?? "");
    metrics.add("berth_registry_mirror_requests_total", 1, { kind: "manifest", result: "fetched" });
  };

  const manifest: Mirror["manifest"] = async (repository, reference) => {
    const options = mirrorOf(repository);
    const upstream = upstreamOf(repository);
    if (options === undefined || upstream === undefined) return;
    const tag = isContentDigest(reference) ? undefined : await repositories.findTag(repository, reference);
    const present = await repositories.statManifest(repository, reference);
    const hit = () => metrics.add("berth_registry_mirror_requests_total", 1, { kind: "manifest", result: "hit" });
    if (present !== undefined && (tag === undefined || Date.now() - tag.setMs < options.revalidateMs)) return hit();
    await once(`${repository}@${reference}`, async () => {
      try {
        if (tag !== undefined && present !== undefined) {
          const digest = await upstream.digestOf(reference);
          if (digest === present.digest) {
            await repositories.setTag(repository, reference, present.digest);
            return hit();
          }
        }
        await fetchManifest(upstream, repository, reference);
      } catch (error) {
        if (present !== undefined) {
          // Also when the upstream has taken it away: whoever runs it must be able to go on.
          logger.warn("upstream does not answer; what is here is served", {
            repository,
            reference,
            error: errorMessage(error),
          });
          metrics.add("berth_registry_mirror_requests_total", 1, { kind: "manifest", result: "stale" });
          return;
        }
        metrics.add("berth_registry_mirror_requests_total", 1, { kind: "manifest", result: "failed" });
        if (isErrorKind(error, "not-found")) return;
        throw serverErrors.servedUpstreamFailed(`${repository} ${reference}`, errorMessage(error));
      }
    });
  };

  /** Only what a manifest names is fetched; it says how long it may be. */
  const findSize = async (repository: string, digest: ContentDigest): Promise<Known | undefined> => {
    const known = sizes.get(digest);
    if (known !== undefined) return known;
    for (const stored of await repositories.manifests(repository)) {
      const found = await repositories.findManifest(repository, stored);
      if (found !== undefined) remember(found.bytes, found.mediaType);
      if (sizes.has(digest)) break;
    }
    return sizes.get(digest);
  };

  const download = (upstream: Upstream, repository: string, digest: ContentDigest, known: Known) => {
    let running = downloads.get(digest);
    if (running !== undefined) return running;
    running = growFile(directory, upstream.blob({ digest, ...known })).then((file) => ({
      ...file,
      whole: file.whole
        .then(() => repositories.putBlob(repository, digest, file.path))
        .then(() => metrics.add("berth_registry_mirror_requests_total", 1, { kind: "blob", result: "fetched" })),
    }));
    downloads.set(digest, running);
    running
      .then((file) => file.whole)
      .catch((error: unknown) => {
        metrics.add("berth_registry_mirror_requests_total", 1, { kind: "blob", result: "failed" });
        logger.warn("a blob could not be fetched from upstream", { repository, digest, error: errorMessage(error) });
      })
      .finally(() => downloads.delete(digest));
    return running;
  };

  return {
    localName: (repository, namespace) => {
      const named = namespace === null ? undefined : sorted.find(({ upstream }) => upstream === namespace);
      return named === undefined || repository.startsWith(named.prefix) ? repository : `${named.prefix}${repository}`;
    },
    owns: (repository) => mirrorOf(repository) !== undefined,
    manifest,
    blob: async (repository, digest, request) => {
      const upstream = upstreamOf(repository);
      if (upstream === undefined) return false;
      const known = await findSize(repository, digest);
      if (known === undefined) return false;
      // Another repository of the same upstream may have brought it already; its manifest here is the right to it.
      if (await repositories.mountBlob(repository, digest, undefined)) return true;
      const headers = {
        "content-length": String(known.size),
        "content-type": "application/octet-stream",
        "docker-content-digest": digest,
      };
      if (request.method === "HEAD") return new Response(null, { headers });
      const file = await download(upstream, repository, digest, known);
      if (request.headers.has("range") || known.size === 0) {
        return file.whole.then(
          () => true,
          (error: unknown) => {
            throw serverErrors.servedUpstreamFailed(digest, errorMessage(error));
          },
        );
      }
      metrics.add("berth_registry_sent_bytes_total", known.size);
      return new Response(file.reader(), { headers });
    },
  };
}
