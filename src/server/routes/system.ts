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
  route({ method: "GET", path: "/info", handle: ({ parts }) => jsonReply(infoDocument(parts)) }),
  route({
    method: "GET",
    path: "/system/df",
    query: { type: texts() },
    async handle({ parts: { engine, builder }, query, version }) {
      for (const type of query.type)
        if (!usageTypes.includes(type as (typeof usageTypes)[number]))
          throw serverErrors["invalid-parameter"]("type", type, usageTypes.join(", "));
      const wants = (type: (typeof usageTypes)[number]) => query.type.length === 0 || query.type.includes(type);
      const usage: DiskUsageResponse = {};
      if (wants("image")) {
        usage.LayersSize = await engine.system.layersSize();
        usage.Images = engine.images
          .list()
          .map((image) => ({ ...imageSummary(image, version, engine.images.usedBy(image.id).length), SharedSize: 0 }));
      }
      if (wants("container")) {
        const shownName = imageNameResolver(engine);
        const now = Date.now();
        usage.Containers = await withSizes(
          engine,
          engine.containers.list().map((container) => containerSummary(container, shownName(container), now, version)),
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
