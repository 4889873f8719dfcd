import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Stop one or more running containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container stop", "stop"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "running-container",
  examples: [["Give a container a minute to end by itself", "berth stop --timeout 60 web"]],
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
      await client.containers.stop(name, { timeoutSeconds: flags.timeout, signalName: flags.signal });
      return name;
    }),
});
