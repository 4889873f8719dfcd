import type { Logger } from "#base";
import { type ContentDigest } from "../digest.ts";
import { digestOfBlobKey, digestOfKey, keys } from "../repositories/keys.ts";
import { type ManifestDocument, readManifest } from "../repositories/manifest-document.ts";
import type { Repositories } from "../repositories/repositories.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { doomedByRules, type RetentionRule, type RepositoryContents } from "./retention.ts";

/** What a collection did. */
export type GarbageReport = {
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly reclaimedBytes: number;
};

export type GarbageOptions = {
  /** What was pushed, asked for or let go less long ago is left alone. */
  readonly graceMs: number;
  readonly rules: readonly RetentionRule[];
};

type Store = { readonly objects: ObjectStore; readonly repositories: Repositories; readonly logger: Logger };

async function contentsOf({ objects, repositories, logger }: Store, repository: string): Promise<RepositoryContents> {
  const manifests = new Map<
    ContentDigest,
    { readonly document: ManifestDocument | undefined; readonly setMs: number }
  >();
  for (const digest of await repositories.manifests(repository)) {
    const found = await repositories.findManifest(repository, digest);
    // Asked second: one that is deleted meanwhile is not missing.
    const facts = await objects.find(keys.manifest(repository, digest));
    if (facts === undefined) continue;
    if (found === undefined) {
      logger.error("a manifest is damaged or missing; push it again", { repository, digest });
    }
    const document = found === undefined ? undefined : readManifest(found.bytes, found.mediaType);
    manifests.set(digest, { document, setMs: facts.modifiedMs });
  }
  const tags = [];
  for (const name of await repositories.tags(repository)) {
    const tag = await repositories.findTag(repository, name);
    if (tag !== undefined) tags.push(tag);
  }
  return { tags, manifests };
}

/**
 * Removes, while everything is being served and pushed to: what the rules of retention doom; blobs that no manifest of
 * their repository names; bytes that no repository has. Nothing younger than the grace period, by the store's clock or by
 * when somebody last asked, is touched, and each removal looks again under the lock that pushes take.
 */
export async function collectGarbage(store: Store, options: GarbageOptions): Promise<GarbageReport> {
  const { objects, repositories, logger } = store;
  const oldest = Date.now() - options.graceMs;
  let [tagCount, manifestCount, blobCount, reclaimedBytes] = [0, 0, 0, 0];
  let unsafe = false;

  const isIdle = async (digest: ContentDigest, key: string): Promise<boolean> => {
    const facts = await objects.find(key);
    // Asked last, so that no pause lies between the answer and the removal's start.
    return facts !== undefined && facts.modifiedMs < oldest && repositories.inUse.lastUse(digest) < oldest;
  };

  for (const repository of await repositories.list()) {
    let contents = await contentsOf(store, repository);
    const doomed = doomedByRules(repository, contents, options.rules, Date.now());
    for (const tag of doomed.tags) {
      if (await repositories.deleteTag(repository, tag.name, tag)) tagCount++;
    }
    for (const digest of doomed.manifests) {
      const isDoomed = () => repositories.inUse.lastUse(digest) < oldest;
      if (await repositories.deleteManifest(repository, digest, isDoomed)) manifestCount++;
    }
    if (doomed.tags.length + doomed.manifests.length > 0) contents = await contentsOf(store, repository);
    // What a damaged manifest names is unknown: in its repository nothing may go, nor the bytes it may need.
    if ([...contents.manifests.values()].some(({ document }) => document === undefined)) {
      unsafe = true;
      continue;
    }
    const named = new Set(
      [...contents.manifests.values()].flatMap(({ document }) => document?.blobs ?? []).map((blob) => blob.digest),
    );
    for await (const key of objects.list(keys.layers(repository))) {
      const digest = digestOfKey(key);
      if (named.has(digest) || !(await isIdle(digest, key))) continue;
      await repositories.exclusive(digest, async () => {
        if (await isIdle(digest, key)) await objects.discard(key);
      });
    }
    if (await repositories.forgetEmpty(repository)) logger.info("an empty repository is gone", { repository });
  }

  const linked = new Set<ContentDigest>();
  for await (const key of objects.list("repositories/")) {
    if (key.includes("/_layers/") || key.includes("/_manifests/")) linked.add(digestOfKey(key));
  }
  for await (const key of objects.list(keys.blobs)) {
    const digest = digestOfBlobKey(key);
    if (unsafe || linked.has(digest) || !(await isIdle(digest, key))) continue;
    await repositories.exclusive(digest, async () => {
      const facts = await objects.find(key);
      if (facts === undefined || !(await isIdle(digest, key))) return;
      await objects.discard(key);
      blobCount++;
      reclaimedBytes += facts.sizeBytes;
    });
  }
  repositories.inUse.forgetBefore(oldest);
  return { tags: tagCount, manifests: manifestCount, blobs: blobCount, reclaimedBytes };
}
