import type { ImageRecord } from "#engine";
import type { ImageSummary } from "#formats";
import { historyDocument, imageInspect, imageSummary } from "../documents/image.ts";
import { serverErrors } from "../errors.ts";
import { emptyReply, jsonReply, route, type Route } from "../http/route.ts";
import { filters, flag, text } from "../http/query.ts";
import { platformField, platformsField, requirePlatform } from "./image-platform.ts";
import { exclusivePrune, parseMoment, prunedBefore } from "./prune-window.ts";

const listFilterKeys = ["dangling", "label", "label!", "before", "since", "reference", "until"] as const;

/** Docker's `reference` filter: a shell pattern over the familiar name, with or without tag (path.Match). */
export function referencePattern(pattern: string): (name: string) => boolean {
  // path.Match: `*` and `?` do not cross a slash.
  const source = pattern
    .replace(/[.+^${}()|\\]/g, String.raw`\$&`)
    .replace(/\*+/g, "[^/]*")
    .replaceAll("?", "[^/]");
  let expression: RegExp;
  try {
    expression = new RegExp(`^${source}$`);
  } catch {
    throw serverErrors["invalid-filter-value"]("reference", pattern);
  }
  const matches = (name: string) => expression.test(name) || expression.test(name.slice(name.lastIndexOf("/") + 1));
  return (name) => {
    const bare = name.includes("@") ? name.slice(0, name.indexOf("@")) : name.replace(/:[^:/]*$/, "");
    return expression.test(name) || matches(bare);
  };
}

/** An image with only the names that a `reference` filter asks for; undefined when none is left. */
function withNamesLike(image: ImageRecord, patterns: readonly ((name: string) => boolean)[]): ImageRecord | undefined {
  if (patterns.length === 0) return image;
  const wanted = (name: string) => patterns.some((matches) => matches(name));
  const repoTags = image.repoTags.filter(wanted);
  const repoDigests = image.repoDigests.filter(wanted);
  return repoTags.length + repoDigests.length === 0 ? undefined : { ...image, repoTags, repoDigests };
}

/** docker-compose 1.x, which fails on images without `ContainerConfig`. */
function isOldCompose(userAgent: string | undefined): boolean {
  return userAgent?.startsWith("docker-compose/1.") === true;
}

/** Nanoseconds since the epoch an image says it was made. */
function createdAt(image: ImageRecord): bigint {
  return (image.config.created === undefined ? undefined : parseMoment(image.config.created)) ?? 0n;
}

/** Images: list, inspect, history, tag, remove, prune. */
export const imageRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/images/json",
    query: {
      all: flag(),
      filters: filters(listFilterKeys),
      filter: text(),
      "shared-size": flag(),
      // Digests are always listed; the images of a store of layers have no manifests of their own.
      digests: flag(),
      manifests: flag(),
    },
    handle({ parts: { engine }, query, version }) {
      const { filters: given } = query;
      const dangling = given.flag("dangling");
      const before = given.values("before").map((reference) => createdAt(engine.images.get(reference)));
      const since = given.values("since").map((reference) => createdAt(engine.images.get(reference)));
      const until = prunedBefore(given);
      // `filter` is how clients before 1.41 asked for a name.
      const names = [
        ...given.values("reference"),
        ...(query.filter === undefined || version >= 41 ? [] : [query.filter]),
      ];
      const patterns = names.map(referencePattern);
      const images = engine.images.list();
      const shared = version >= 42 && query["shared-size"] ? engine.images.sharedSizes() : undefined;
      const parents = new Set(images.map((image) => image.parentId));
      const summaries: ImageSummary[] = [];
      for (const image of images) {
        const untagged = image.repoTags.length === 0 && image.repoDigests.length === 0;
        if (dangling !== undefined && dangling !== untagged) continue;
        // Untagged parents of other images are intermediate, shown by --all only.
        if (!query.all && untagged && parents.has(image.id)) continue;
        if (!given.labels(image.config.config?.Labels)) continue;
        const shown = withNamesLike(image, patterns);
        if (shown === undefined) continue;
        if (before.some((time) => createdAt(image) >= time)) continue;
        if (since.some((time) => createdAt(image) <= time)) continue;
        if (until !== undefined && createdAt(image) >= until) continue;
        summaries.push(imageSummary(shown, version, { sharedBytes: shared?.get(image.id) }));
      }
      return jsonReply(summaries);
    },
  }),
  route({
    method: "GET",
    path: "/images/{name...}/json",
    query: { manifests: flag(), platform: platformField() },
    async handle({ parts: { engine }, params: { name = "" }, query, request, version }) {
      const image = engine.images.get(name);
      if (version >= 49) {
        if (query.manifests && query.platform !== undefined) throw serverErrors["manifests-and-platform"]();
        await requirePlatform(image, name, query.platform);
      }
      // Compose 1 speaks the newest version there is and reads what 1.45 took away.
      const shape = version >= 45 && isOldCompose(request.headers["user-agent"]) ? 44 : version;
      return jsonReply(imageInspect(image, engine.system.info().storageDriver, shape));
    },
  }),
  route({
    method: "GET",
    path: "/images/{name...}/history",
    query: { platform: platformField() },
    async handle({ parts: { engine }, params: { name = "" }, query, version }) {
      if (version >= 48) await requirePlatform(engine.images.get(name), name, query.platform);
      return jsonReply(engine.images.history(name).map(historyDocument));
    },
  }),
  route({
    method: "POST",
    path: "/images/{name...}/tag",
    query: { repo: text(), tag: text() },
    handle({ parts: { engine }, params: { name = "" }, query }) {
      const target = joinReference(query.repo, query.tag);
      if (target === undefined) throw serverErrors["invalid-parameter"]("repo", "", "a repository name");
      engine.images.tag(name, target);
      return emptyReply(201);
    },
  }),
  route({
    method: "DELETE",
    path: "/images/{name...}",
    query: { force: flag(), noprune: flag(), platforms: platformsField() },
    async handle({ parts: { engine }, params: { name = "" }, query, version }) {
      if (version >= 50)
        for (const platform of query.platforms) await requirePlatform(engine.images.get(name), name, platform);
      const removed = await engine.images.remove(name, { force: query.force, prune: !query.noprune });
      return jsonReply(removed.map(removalDocument));
    },
  }),
  route({
    method: "POST",
    path: "/images/prune",
    since: 25,
    query: { filters: filters(["dangling", "label", "label!", "until"]) },
    async handle({ parts: { engine }, query }) {
      const before = prunedBefore(query.filters);
      const { removed, reclaimedBytes } = await exclusivePrune(engine.images, () =>
        engine.images.prune({
          all: query.filters.flag("dangling") === false,
          keep: (image) =>
            !query.filters.labels(image.config.config?.Labels) || (before !== undefined && createdAt(image) >= before),
        }),
      );
      return jsonReply({
        ImagesDeleted: removed.length === 0 ? null : removed.map(removalDocument),
        SpaceReclaimed: reclaimedBytes,
      });
    },
  }),
];

function removalDocument(
  removal: { readonly untagged: string } | { readonly deleted: string },
): { Untagged: string } | { Deleted: string } {
  return "untagged" in removal ? { Untagged: removal.untagged } : { Deleted: removal.deleted };
}

/** `repo` and `tag` parameters as one reference; a digest as tag joins with "@". Undefined without a repository. */
export function joinReference(repository: string | undefined, tag: string | undefined): string | undefined {
  if (repository === undefined) return undefined;
  if (tag === undefined) return repository;
  return tag.includes(":") ? `${repository}@${tag}` : `${repository}:${tag}`;
}
