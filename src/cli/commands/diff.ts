import { defineCommand } from "../command.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

const letters = ["C", "A", "D"] as const;

export const command = defineCommand({
  summary: "Inspect changes to files or directories on a container's filesystem",
  synopsis: "CONTAINER",
  aliases: ["container diff", "diff"],
  operands: { min: 1, max: 1 },
  completes: () => "container",
  flags: {},
  async run({ client }, _flags, [name = ""]) {
    const changes = await client.containers.changes(name);
    writeText(1, changes.map(({ Kind, Path }) => `${letters[Kind]} ${printableLine(Path)}\n`).join(""));
  },
});
