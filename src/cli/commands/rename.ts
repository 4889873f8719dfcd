import { defineCommand } from "../command.ts";

export const command = defineCommand({
  summary: "Rename a container",
  synopsis: "CONTAINER NEW_NAME",
  aliases: ["container rename", "rename"],
  operands: { min: 2, max: 2 },
  completes: (index) => (index === 0 ? "container" : undefined),
  flags: {},
  async run({ client }, _flags, [name = "", newName = ""]) {
    await client.containers.rename(name, newName);
  },
});
