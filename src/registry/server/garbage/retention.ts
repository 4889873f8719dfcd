import { repositoryPattern } from "../access/rules.ts";
import type { ContentDigest } from "../digest.ts";
import type { ManifestDocument } from "../repositories/manifest-document.ts";
import type { StoredTag } from "../repositories/repositories.ts";

/** What is kept, in the repositories it is about. Rules only ever doom; what no rule dooms stays. */
export type RetentionRule = {
  /** Patterns as in rights: `team/**`. */
  readonly repositories: readonly string[];
  /** Tags it is about, as a pattern with `*`. @default all */
  readonly tags?: string | undefined;
  /** Tags it is never about: "latest", "v*". */
  readonly except?: readonly string[] | undefined;
  /** So many of them stay, the newest. */
  readonly keepNewest?: number | undefined;
  /** Tags set longer ago go. With `keepNewest`, both must say so. */
  readonly olderThanMs?: number | undefined;
  /** Manifests without a tag go after so long, unless an index that stays names them or they refer to one that stays. */
  readonly untaggedAfterMs?: number | undefined;
};

/** What a repository holds, as far as the rules look at it. */
export type RepositoryContents = {
  readonly tags: readonly StoredTag[];
  /** `document` is undefined when it cannot be read. */
  readonly manifests: ReadonlyMap<
    ContentDigest,
    { readonly document: ManifestDocument | undefined; readonly setMs: number }
  >;
};

function tagPattern(pattern: string): (tag: string) => boolean {
  return repositoryPattern(pattern);
}

function doomedTags(contents: RepositoryContents, rule: RetentionRule, nowMs: number): StoredTag[] {
  const { keepNewest, olderThanMs } = rule;
  if (keepNewest === undefined && olderThanMs === undefined) return [];
  const isMeant = tagPattern(rule.tags ?? "**");
  const exceptions = (rule.except ?? []).map(tagPattern);
  const newestFirst = contents.tags
    .filter((tag) => isMeant(tag.name) && !exceptions.some((matches) => matches(tag.name)))
    .toSorted((left, right) => right.setMs - left.setMs);
  return newestFirst
    .slice(keepNewest ?? 0)
    .filter((tag) => olderThanMs === undefined || nowMs - tag.setMs > olderThanMs);
}

/** Manifests that something holds: a tag, an index that is held, or being about one that is held (signatures). */
function heldManifests(contents: RepositoryContents, tags: readonly StoredTag[]): Set<ContentDigest> {
  const held = new Set<ContentDigest>();
  const referring = new Map<ContentDigest, ContentDigest[]>();
  for (const [digest, { document }] of contents.manifests) {
    if (document?.subject !== undefined) {
      referring.set(document.subject, [...(referring.get(document.subject) ?? []), digest]);
    }
  }
  const queue = tags.map((tag) => tag.digest);
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    if (held.has(digest)) continue;
    held.add(digest);
    queue.push(...(contents.manifests.get(digest)?.document?.manifests ?? []).map((entry) => entry.digest));
    queue.push(...(referring.get(digest) ?? []));
  }
  return held;
}

/** What of a repository the rules doom now. Pure: deciding and removing are apart. */
export function doomedByRules(
  repository: string,
  contents: RepositoryContents,
  rules: readonly RetentionRule[],
  nowMs: number,
): { readonly tags: readonly StoredTag[]; readonly manifests: readonly ContentDigest[] } {
  const mine = rules.filter((rule) => rule.repositories.some((pattern) => repositoryPattern(pattern)(repository)));
  const tags = new Map<string, StoredTag>();
  for (const rule of mine) for (const tag of doomedTags(contents, rule, nowMs)) tags.set(tag.name, tag);
  const limits = mine.flatMap((rule) => rule.untaggedAfterMs ?? []);
  if (limits.length === 0) return { tags: [...tags.values()], manifests: [] };
  const limit = Math.min(...limits);
  const left = contents.tags.filter((tag) => !tags.has(tag.name));
  const held = heldManifests(contents, left);
  // One that cannot be read may be what holds others: then none goes.
  const isReadable = [...contents.manifests.values()].every(({ document }) => document !== undefined);
  const manifests = isReadable
    ? [...contents.manifests].flatMap(([digest, { setMs }]) =>
        held.has(digest) || nowMs - setMs <= limit ? [] : [digest],
      )
    : [];
  return { tags: [...tags.values()], manifests };
}
