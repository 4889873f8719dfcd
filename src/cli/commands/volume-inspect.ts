import { defineCommand } from "../command.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { inspectAll } from "../inspect.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more volumes",
  synopsis: "[OPTIONS] VOLUME [VOLUME...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "volume",
  flags: {
    format: shortDocumentFormatFlag,
  },
  run: ({ client }, flags, names) =>
    inspectAll(names, flags.format, (name) => client.volumes.inspect(name), {
      goType: "volume.Volume",
    }),
});
