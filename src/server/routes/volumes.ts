import { createVolumeSchema } from "#formats";
import { volumeDocument } from "../documents/volume.ts";
import { serverErrors } from "../errors.ts";
import { emptyReply, jsonReply, optionalJsonRoute, route, type Route } from "../http/route.ts";
import { filters, flag } from "../http/query.ts";
import { exclusivePrune, prunedBefore } from "./prune-window.ts";

/** Volumes. */
export const volumeRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/volumes",
    query: { filters: filters(["dangling", "driver", "label", "name"]) },
    handle({ parts: { engine }, query }) {
      const dangling = query.filters.flag("dangling");
      const volumes = engine.volumes
        .list()
        .filter(
          (volume) =>
            query.filters.matches("name", volume.name) &&
            query.filters.any("driver", (value) => value === volume.driver) &&
            query.filters.labels(volume.labels) &&
            (dangling === undefined || dangling === (volume.usedBy.length === 0)),
        );
      return jsonReply({ Volumes: volumes.map(volumeDocument), Warnings: null });
    },
  }),
  optionalJsonRoute({
    method: "POST",
    path: "/volumes/create",
    body: createVolumeSchema,
    async handle({ parts: { engine }, body }) {
      if (body?.ClusterVolumeSpec != null) throw serverErrors["not-a-swarm-manager"]();
      const volume = await engine.volumes.create({
        name: body?.Name === "" ? undefined : (body?.Name ?? undefined),
        driver: body?.Driver === "" ? undefined : (body?.Driver ?? undefined),
        labels: body?.Labels ?? undefined,
        options: body?.DriverOpts ?? undefined,
      });
      return jsonReply(volumeDocument(volume), 201);
    },
  }),
  route({
    method: "GET",
    path: "/volumes/{name}",
    handle({ parts: { engine }, params: { name = "" } }) {
      return jsonReply(volumeDocument(engine.volumes.get(name)));
    },
  }),
  route({
    method: "PUT",
    path: "/volumes/{name}",
    since: 42,
    handle() {
      // Only cluster volumes can be changed.
      throw serverErrors["not-a-swarm-manager"]();
    },
  }),
  route({
    method: "DELETE",
    path: "/volumes/{name...}",
    query: { force: flag() },
    async handle({ parts: { engine }, params: { name = "" }, query }) {
      await engine.volumes.remove(name, { force: query.force });
      return emptyReply();
    },
  }),
  route({
    method: "POST",
    path: "/volumes/prune",
    since: 25,
    query: { filters: filters(["all", "label", "label!", "until"]) },
    async handle({ parts: { engine }, query, version }) {
      const before = prunedBefore(query.filters);
      const { deleted, reclaimedBytes } = await exclusivePrune(engine.volumes, () =>
        engine.volumes.prune(
          (volume) =>
            !query.filters.labels(volume.labels) ||
            (before !== undefined && BigInt(Math.trunc(volume.createdMs)) * 1_000_000n >= before),
          // Below 1.42 named volumes went too.
          { all: version < 42 || query.filters.flag("all") === true },
        ),
      );
      return jsonReply({ VolumesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
    },
  }),
];
