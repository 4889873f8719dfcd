import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";

export const command = defineCommand({
  summary: "Unpause all processes within one or more containers",
  synopsis: "CONTAINER [CONTAINER...]",
  aliases: ["container unpause", "unpause"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "running-container",
  flags: {},
  run: ({ client }, _flags, names) =>
    forEachName(names, async (name) => {
      await client.containers.unpause(name);
      return name;
    }),
});
