import * as v from "valibot";

/** The body of `POST /exec/{id}/start`; `ConsoleSize` is [height, width]. */
export const startExecSchema = v.object({
  Detach: v.nullish(v.boolean()),
  Tty: v.nullish(v.boolean()),
  ConsoleSize: v.nullish(v.array(v.pipe(v.number(), v.integer(), v.minValue(0)))),
});
