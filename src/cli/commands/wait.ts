import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";

export const command = defineCommand({
  summary: "Block until one or more containers stop, then print their exit codes",
  synopsis: "CONTAINER [CONTAINER...]",
  aliases: ["container wait", "wait"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "running-container",
  flags: {},
  run: ({ client }, _flags, names) =>
    forEachName(names, async (name) => {
      const { exited } = await client.containers.wait(name);
      return String((await exited).StatusCode);
    }),
});
