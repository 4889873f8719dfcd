import { containerConfigSchema } from "#formats";
import { jsonReply, optionalJsonRoute, type Route } from "../http/route.ts";
import { flag, text, texts } from "../http/query.ts";
import { serverErrors } from "../errors.ts";
import { joinReference } from "./images.ts";

/** A container's changes as a new image. */
export const commitRoutes: readonly Route[] = [
  optionalJsonRoute({
    method: "POST",
    path: "/commit",
    query: {
      container: text(),
      repo: text(),
      tag: text(),
      comment: text(),
      author: text(),
      pause: flag(true),
      changes: texts(),
    },
    body: containerConfigSchema,
    async handle({ parts: { engine, builder }, query, body }) {
      if (query.container === undefined) throw serverErrors["invalid-parameter"]("container", "", "a container");
      // One `changes` may hold several instructions, a line each.
      const instructions = query.changes.flatMap((change) => change.split("\n")).filter((line) => line.trim() !== "");
      const id = await engine.archives.commit(query.container, {
        reference: joinReference(query.repo, query.tag),
        author: query.author,
        comment: query.comment,
        config: body,
        edit: instructions.length === 0 ? undefined : builder.changes(instructions),
        pause: query.pause,
      });
      return jsonReply({ Id: id }, 201);
    },
  }),
];
