import { defineCommand } from "../command.ts";
import { printFailure } from "../failure.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Rename a container",
  synopsis: "CONTAINER NEW_NAME",
  aliases: ["container rename", "rename"],
  operands: { min: 2, max: 2 },
  completes: (index) => (index === 0 ? "container" : undefined),
  flags: {},
  async run({ client }, _flags, [name = "", newName = ""]) {
    try {
      await client.containers.rename(name, newName);
    } catch (error) {
      printFailure(error);
      writeText(2, `Error: failed to rename container named ${printableLine(name)}\n`);
      return 1;
    }
    return 0;
  },
});
