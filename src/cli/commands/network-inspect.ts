import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { inspectAll } from "../inspect.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more networks",
  synopsis: "[OPTIONS] NETWORK [NETWORK...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "network",
  flags: {
    format: shortDocumentFormatFlag,
    verbose: flag.boolean("Verbose output for diagnostics", { short: "v" }),
  },
  run: ({ client }, flags, names) =>
    inspectAll(names, flags.format, (name) => client.networks.inspect(name, { verbose: flags.verbose }), {
      goType: "network.Inspect",
    }),
});
