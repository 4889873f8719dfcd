import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Kill one or more running containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container kill", "kill"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "running-container",
  examples: [["Make a server read its configuration again", "berth kill --signal HUP web"]],
  flags: {
    signal: flag.string("Signal to send to the container", { short: "s" }),
  },
  run: ({ client }, flags, names) =>
    forEachName(names, async (name) => {
      await client.containers.kill(name, flags.signal);
      return name;
    }),
});
