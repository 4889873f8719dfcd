import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Restart one or more containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container restart", "restart"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "container",
  examples: [["Restart two containers", "berth restart web db"]],
  flags: {
    signal: flag.string("Signal to send to the container", { short: "s" }),
    timeout: flag.integer("Seconds to wait before killing the container", { short: "t" }),
    time: flag.integer("Seconds to wait before killing the container", {
      aliasOf: "timeout",
      deprecated: "use --timeout instead",
    }),
  },
  run: ({ client }, flags, names) =>
    forEachName(names, async (name) => {
      await client.containers.restart(name, { timeoutSeconds: flags.timeout, signalName: flags.signal });
      return name;
    }),
});
