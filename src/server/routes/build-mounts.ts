import type { BuildMountDocument } from "#formats";
import { serverErrors } from "../errors.ts";
import { requestBody } from "../http/body.ts";
import { text } from "../http/query.ts";
import { emptyReply, jsonReply, route, type Route } from "../http/route.ts";
import { isGone, openStream, pump } from "../http/stream-reply.ts";

function requireId(id: string | undefined): string {
  if (id === undefined || id === "") throw serverErrors["invalid-parameter"]("id", "", "the id of a cache mount");
  return id;
}

/** The cache mounts of builds (`RUN --mount=type=cache`), Berth's own. */
export const buildMountRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/berth/v1/build-mounts",
    async handle({ parts: { builder } }) {
      const sizes = new Map((await builder.cache()).map((record) => [record.ID, record.Size]));
      const documents = builder.cacheMounts.list().map((mount): BuildMountDocument => ({
        Key: mount.key,
        Id: mount.id.replace(/^\//, ""),
        Size: sizes.get(mount.key) ?? 0,
        InUse: mount.isBusy,
        CreatedAt: new Date(mount.madeMs).toISOString(),
        LastUsedAt: new Date(mount.usedMs).toISOString(),
        UsageCount: mount.uses,
      }));
      return jsonReply(documents);
    },
  }),
  route({
    method: "GET",
    path: "/berth/v1/build-mounts/archive",
    query: { id: text() },
    async handle({ parts: { builder }, query, response }) {
      const archive = builder.cacheMounts.archive(requireId(query.id));
      openStream(response, "application/x-tar");
      await pump(response, archive);
      if (!isGone(response)) response.end();
    },
  }),
  route({
    method: "PUT",
    path: "/berth/v1/build-mounts/archive",
    query: { id: text() },
    async handle({ parts: { builder }, query, request }) {
      await builder.cacheMounts.restore(requireId(query.id), requestBody(request));
      return emptyReply(204);
    },
  }),
];
