import type { Engine, ImageRecord } from "#engine";
import type { ImageManifestSummary, ImageSummary } from "#formats";
import { historyDocument, imageInspect, imageSummary, manifestSummary } from "../documents/image.ts";
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

/** What a name stands for, with the containers that use it. */
function manifestDocuments(engine: Engine, name: string): ImageManifestSummary[] {
  return engine.images
    .manifests(name)
    .map((view) =>
      manifestSummary(view, view.image === undefined ? [] : engine.images.usedBy(view.image.id).map(({ id }) => id)),
    );
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
      // Digests are always listed.
      digests: flag(),
      manifests: flag(),
    },
    handle({ parts: { engine }, query, version }) {
      const { filters: given } = query;
      const dangling = given.flag("dangling");
      const before = given.values("before").map((reference) => createdAt(engine.images.get(reference)));
      const since = given.values("since").map((reference) => createdAt(engine.images.get(reference)));
      // Of several the earliest says it (moby: daemon/images/images.go).
      const until = given.values("until").map((value) => {
        const moment = parseMoment(value);
        if (moment === undefined) throw serverErrors["invalid-filter-value"]("until", value);
        return moment;
      });
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
        if (until.some((time) => createdAt(image) >= time)) continue;
        const summary = imageSummary(shown, version, { sharedBytes: shared?.get(image.id) });
        if (version >= 47 && query.manifests) {
          // Listed with the image that their names mean.
          if (!engine.images.isFirstOf(image)) continue;
          summary.Manifests = manifestDocuments(engine, image.repoTags[0] ?? image.repoDigests[0] ?? image.id);
        }
        summaries.push(summary);
      }
      return jsonReply(summaries);
    },
  }),
  route({
    method: "GET",
    path: "/images/{name...}/json",
    query: { manifests: flag(), platform: platformField() },
    async handle({ parts: { engine }, params: { name = "" }, query, request, version }) {
      const platform = version < 49 ? undefined : query.platform;
      const image = engine.images.get(name, platform);
      if (query.manifests && platform !== undefined) throw serverErrors["manifests-and-platform"]();
      requirePlatform(image, name, platform);
      // Compose 1 speaks the newest version there is and reads what 1.45 took away.
      const shape = version >= 45 && isOldCompose(request.headers["user-agent"]) ? 44 : version;
      const directories = engine.images.directories(image);
      const document = imageInspect(image, { driver: engine.system.info().storageDriver, directories }, shape);
      if (version >= 48 && query.manifests) document.Manifests = manifestDocuments(engine, name);
      return jsonReply(document);
    },
  }),
  route({
    method: "GET",
    path: "/images/{name...}/history",
    query: { platform: platformField() },
    async handle({ parts: { engine }, params: { name = "" }, query, version }) {
      const platform = version < 48 ? undefined : query.platform;
      requirePlatform(engine.images.get(name, platform), name, platform);
      return jsonReply(engine.images.history(name, platform).map(historyDocument));
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
      if (name.trim() === "") throw serverErrors["image-unnamed"]();
      const how = { force: query.force, prune: !query.noprune };
      const platforms = version < 50 ? [] : query.platforms;
      for (const platform of platforms) requirePlatform(engine.images.get(name, platform), name, platform);
      const removed = platforms.length === 0 ? [...(await engine.images.remove(name, how))] : [];
      for (const platform of platforms) removed.push(...(await engine.images.remove(name, { ...how, platform })));
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
