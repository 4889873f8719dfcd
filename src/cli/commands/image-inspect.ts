import { defineCommand } from "../command.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { inspectAll } from "../inspect.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more images",
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "image",
  flags: {
    format: shortDocumentFormatFlag,
  },
  run: ({ client }, flags, names) =>
    inspectAll(names, flags.format, (name) => client.images.inspect(name), {
      goType: "image.InspectResponse",
    }),
});
