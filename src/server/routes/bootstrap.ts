import * as v from "valibot";
import { createRecords } from "../http/json-records.ts";
import { jsonRoute, route, type Route } from "../http/route.ts";
import { reportTo } from "./progress.ts";

/** Berth's own: whether everything stored is what it was; base images made from the distribution's packages, for machines that reach no registry. */
export const bootstrapRoutes: readonly Route[] = [
  jsonRoute({
    method: "POST",
    path: "/berth/v1/images/bootstrap",
    body: v.object({
      /** "debian:bookworm", "busybox", … */
      reference: v.pipe(v.string(), v.minLength(1)),
      /** Another name for the image. */
      as: v.nullish(v.string()),
      suite: v.nullish(v.string()),
      /** Another than the machine's. */
      platform: v.nullish(v.string()),
      /** Make it again though it is there. */
      refresh: v.nullish(v.boolean()),
    }),
    async handle({ parts: { engine }, body, response, signal }) {
      const records = createRecords(response);
      try {
        const options = {
          as: body.as ?? undefined,
          suite: body.suite ?? undefined,
          platform: body.platform ?? undefined,
          refresh: body.refresh ?? undefined,
        };
        await engine.images.bootstrap(body.reference, options, reportTo(records), signal);
        records.end();
      } catch (error) {
        records.fail(error);
      }
    },
  }),
  route({
    method: "POST",
    path: "/berth/v1/system/check",
    async handle({ parts: { engine }, response, signal }) {
      const records = createRecords(response);
      records.open();
      try {
        const check = await engine.images.check(reportTo(records), signal);
        const damage = check.damage.map(({ kind, id, reason, imageIds }) => {
          const images = imageIds.flatMap((imageId) => engine.images.find(imageId) ?? []);
          return {
            Kind: kind,
            Id: id,
            Reason: reason,
            Images: images.map((image) => ({
              Id: image.id,
              Names: image.repoTags.length > 0 ? image.repoTags : image.repoDigests,
              Containers: engine.images.usedBy(image.id).map((container) => container.name),
            })),
          };
        });
        records.write({
          aux: { Layers: check.layers, LayerBytes: check.layerBytes, Images: check.images, Damage: damage },
        });
        records.end();
      } catch (error) {
        records.fail(error);
      }
    },
  }),
];
