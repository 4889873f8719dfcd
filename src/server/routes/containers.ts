import { createContainerSchema, updateContainerSchema } from "#formats";
import { containerInspect } from "../documents/container-inspect.ts";
import { containerSummary } from "../documents/container-summary.ts";
import { emptyReply, jsonReply, jsonRoute, route, type Route } from "../http/route.ts";
import { filters, flag, integer, text } from "../http/query.ts";
import { asOfVersion } from "./create-compatibility.ts";
import { containerFilterKeys, imageNameResolver, selectContainers, withSizes } from "./container-selection.ts";
import { exclusivePrune, pruneFilterKeys, prunedBefore } from "./prune-window.ts";

/** Containers as records: list, create, inspect, change, remove. */
export const containerRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/containers/json",
    query: { all: flag(), limit: integer(), size: flag(), filters: filters(containerFilterKeys) },
    async handle({ parts: { engine }, query, version }) {
      const shownName = imageNameResolver(engine);
      const now = Date.now();
      const containers = selectContainers(engine, query);
      const summaries = containers.map((container) => containerSummary(container, shownName(container), now, version));
      return jsonReply(query.size ? await withSizes(engine, summaries) : summaries);
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/containers/create",
    query: { name: text(), platform: text() },
    body: createContainerSchema,
    async handle({ parts: { engine }, query, body, version }) {
      const adapted = asOfVersion(body, version, () => engine.system.info().cgroupVersion);
      const { id, warnings } = await engine.containers.create({
        name: query.name,
        body: adapted.body,
        platform: version < 41 ? undefined : query.platform,
      });
      return jsonReply({ Id: id, Warnings: [...warnings, ...adapted.warnings] }, 201);
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/json",
    query: { size: flag() },
    handle({ parts: { engine }, params: { id = "" }, query, version }) {
      const document = containerInspect(engine.containers.get(id), engine.containers.directories(id), version);
      if (!query.size) return jsonReply(document);
      return engine.containers
        .sizes(id)
        .then((sizes) => jsonReply({ ...document, SizeRw: sizes.writableBytes, SizeRootFs: sizes.rootFsBytes }));
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/containers/{id}/update",
    body: updateContainerSchema,
    async handle({ parts: { engine }, params: { id = "" }, body, version }) {
      // Older daemons knew no limit of processes here; newer ones have forgotten that of kernel memory.
      const { PidsLimit, KernelMemory, ...rest } = body;
      const known = {
        ...rest,
        ...(version >= 40 ? { PidsLimit } : {}),
        ...(version < 42 ? { KernelMemory } : {}),
      };
      const { warnings } = await engine.containers.update(id, known);
      return jsonReply({ Warnings: warnings.length === 0 ? null : warnings });
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/rename",
    query: { name: text() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.containers.rename(id, query.name ?? "");
      return emptyReply();
    },
  }),
  route({
    method: "DELETE",
    // More than one part with `link`: "web/database" is the link "database" of "web".
    path: "/containers/{id...}",
    query: { v: flag(), force: flag(), link: flag() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      await engine.containers.remove(id, { force: query.force, volumes: query.v, link: query.link });
      return emptyReply();
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/top",
    query: { ps_args: text() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      const { titles, processes } = await engine.containers.top(id, query.ps_args);
      return jsonReply({ Titles: titles, Processes: processes });
    },
  }),
  route({
    method: "POST",
    path: "/containers/prune",
    since: 25,
    query: { filters: filters(pruneFilterKeys) },
    async handle({ parts: { engine }, query }) {
      const before = prunedBefore(query.filters);
      const { deleted, reclaimedBytes } = await exclusivePrune(engine.containers, () =>
        engine.containers.prune(
          ({ created, config }) => !query.filters.labels(config.Labels) || (before !== undefined && created >= before),
        ),
      );
      return jsonReply({ ContainersDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
    },
  }),
];
