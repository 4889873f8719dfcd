import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { inspectAll } from "../inspect.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "container",
  flags: {
    format: shortDocumentFormatFlag,
    size: flag.boolean("Display total file sizes", { short: "s" }),
  },
  run: ({ client }, flags, names) =>
    inspectAll(names, flags.format, (name) => client.containers.inspect(name, { size: flags.size }), {
      goType: "container.InspectResponse",
    }),
});
