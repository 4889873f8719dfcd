import type { DiskUsageResponse, VolumeDocument } from "#formats";
import { containerSummary } from "../documents/container-summary.ts";
import { imageSummary } from "../documents/image.ts";
import { infoDocument, versionDocument } from "../documents/system.ts";
import { volumeDocument } from "../documents/volume.ts";
import { serverErrors } from "../errors.ts";
import { emptyReply, jsonReply, route, type Route } from "../http/route.ts";
import { texts } from "../http/query.ts";
import { imageNameResolver, withSizes } from "./container-selection.ts";

/**
 * What every client reads first. Builder-Version 1: the classic builder is the one there
 * is, so that clients with both do not try the other.
 */
const pingHeaders = [
  "Builder-Version",
  "1",
  "Cache-Control",
  "no-cache, no-store, must-revalidate",
  "Pragma",
  "no-cache",
  "Swarm",
  "inactive",
  "Content-Type",
  "text/plain; charset=utf-8",
] as const;

const usageTypes = ["container", "image", "volume", "build-cache"] as const;

/** The daemon itself. */
export const systemRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/_ping",
    handle: () => ({ kind: "text", status: 200, text: "OK", headers: pingHeaders }),
  }),
  route({ method: "HEAD", path: "/_ping", handle: () => emptyReply(200, pingHeaders) }),
  route({ method: "OPTIONS", path: "/{any...}", handle: () => emptyReply(200) }),
  route({ method: "GET", path: "/version", handle: ({ parts }) => jsonReply(versionDocument(parts)) }),
  route({ method: "GET", path: "/info", handle: ({ parts, version }) => jsonReply(infoDocument(parts, version)) }),
  route({
    method: "GET",
    path: "/system/df",
    query: { type: texts() },
    async handle({ parts: { engine, builder }, query, version }) {
      // What to measure could only be chosen from 1.42 on.
      const types = version < 42 ? [] : query.type;
      for (const type of types)
        if (!usageTypes.includes(type as (typeof usageTypes)[number])) throw serverErrors["unknown-usage-type"](type);
      const wants = (type: (typeof usageTypes)[number]) => types.length === 0 || types.includes(type);
      const usage: DiskUsageResponse = {};
      if (wants("image")) {
        usage.LayersSize = await engine.system.layersSize();
        const shared = engine.images.sharedSizes();
        const users = countBy([...engine.containers.list()].map(({ imageId }) => imageId));
        usage.Images = engine.images.list().map((image) =>
          imageSummary(image, version, {
            containers: users.get(image.id) ?? 0,
            sharedBytes: shared.get(image.id) ?? 0,
          }),
        );
      }
      if (wants("container")) {
        const shownName = imageNameResolver(engine);
        const now = Date.now();
        usage.Containers = await withSizes(
          engine,
          [...engine.containers.list()].map((container) =>
            containerSummary(container, shownName(container), now, version),
          ),
        );
      }
      if (wants("volume")) {
        usage.Volumes = await Promise.all(
          engine.volumes.list().map(async (volume): Promise<VolumeDocument> => ({
            ...volumeDocument(volume),
            UsageData: { Size: await engine.volumes.sizeOf(volume.name), RefCount: volume.usedBy.length },
          })),
        );
      }
      if (wants("build-cache")) usage.BuildCache = [...(await builder.cache())];
      return jsonReply(usage);
    },
  }),
];

function countBy(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
