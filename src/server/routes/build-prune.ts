import { statfs } from "node:fs/promises";
import type { BuildCacheDocument } from "#formats";
import type { Filters } from "../http/filters.ts";
import { emptyReply, jsonReply, route, type Route } from "../http/route.ts";
import { filters, flag, integer, text } from "../http/query.ts";
import { exclusivePrune, prunedBefore } from "./prune-window.ts";

const filterKeys = [
  "until",
  "unused-for",
  "id",
  "parent",
  "type",
  "description",
  "inuse",
  "shared",
  "private",
  // `system prune` gives its filters to everything; see `selectorOf`.
  "label",
  "label!",
] as const;

/** What the filters say of a record; undefined when there are none, so that hidden records go too. */
function selectorOf(given: Filters): ((record: BuildCacheDocument) => boolean) | undefined {
  const flags = (["inuse", "shared", "private"] as const).filter((key) => given.has(key));
  const texts = (["id", "parent", "type", "description"] as const).filter((key) => given.has(key));
  if (flags.length === 0 && texts.length === 0 && !given.has("label")) return undefined;
  return (record) =>
    // Records have no labels: none is chosen by `label`, none is spared by `label!`.
    given.labels(null) &&
    given.any("id", (value) => record.ID.startsWith(value)) &&
    given.any("parent", (value) => (record.Parents ?? []).some((parent) => parent.startsWith(value))) &&
    given.any("type", (value) => record.Type === value) &&
    given.any("description", (value) => record.Description.includes(value)) &&
    // A bare `inuse` means yes.
    (!given.has("inuse") || record.InUse === asked(given, "inuse")) &&
    (!given.has("shared") || record.Shared === asked(given, "shared")) &&
    (!given.has("private") || record.Shared !== asked(given, "private"));
}

function asked(given: Filters, key: string): boolean {
  return given.values(key).every((value) => value === "") || given.flag(key) === true;
}

/**
 * How much may stay, as BuildKit counts it (cache/manager.go, calculateKeepBytes): no more than `maximum`, less where
 * the disk lacks free space, but never less than `reserved`. 0 = nothing needs to stay.
 */
export function bytesToKeep(
  limits: { readonly reserved: number; readonly maximum: number; readonly minimumFree: number },
  usedBytes: number,
  freeBytes: number,
): number {
  const lacking = limits.minimumFree - freeBytes;
  let keep = limits.maximum;
  if (lacking > 0) keep = keep === 0 ? usedBytes - lacking : Math.min(keep, usedBytes - lacking);
  return Math.max(keep, limits.reserved);
}

async function freeSpaceOf(path: string): Promise<number> {
  const disk = await statfs(path);
  return disk.bavail * disk.bsize;
}

/** The build cache: prune; cancel, which classic builds know in another form. */
export const buildPruneRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/build/prune",
    since: 31,
    query: {
      all: flag(),
      filters: filters(filterKeys),
      "keep-storage": integer(),
      "reserved-space": integer(),
      "max-used-space": integer(),
      "min-free-space": integer(),
    },
    async handle({ parts: { builder, engine }, query, version }) {
      const before = prunedBefore(query.filters, ["until", "unused-for"]);
      const newer = version >= 48;
      const limits = {
        reserved: (newer ? query["reserved-space"] : undefined) ?? query["keep-storage"] ?? 0,
        maximum: (newer ? query["max-used-space"] : undefined) ?? 0,
        minimumFree: (newer ? query["min-free-space"] : undefined) ?? 0,
      };
      const used = (await builder.cache()).reduce((sum, { Size: size }) => sum + size, 0);
      const free = limits.minimumFree > 0 ? await freeSpaceOf(engine.system.info().dataRoot) : 0;
      const keepBytes = bytesToKeep(limits, used, free);
      const { deleted, reclaimedBytes } = await exclusivePrune(builder, () =>
        builder.prune({
          all: query.all,
          keepBytes: keepBytes > 0 ? keepBytes : undefined,
          beforeMs: before === undefined ? undefined : Number(before / 1_000_000n),
          filter: selectorOf(query.filters),
        }),
      );
      engine.events.emit({
        type: "builder",
        action: "prune",
        actor: { id: "", attributes: { reclaimed: String(reclaimedBytes) } },
      });
      return jsonReply({ CachesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
    },
  }),
  route({
    method: "POST",
    path: "/build/cancel",
    since: 31,
    query: { id: text() },
    handle({ parts, query }) {
      // Classic builds have no id; they end when their client goes away.
      if (query.id !== undefined) parts.builds.cancel(query.id);
      return emptyReply(200);
    },
  }),
];
