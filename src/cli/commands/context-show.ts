import { defineCommand } from "../command.ts";
import { currentContext } from "../contexts/current.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Print the name of the current context",
  synopsis: "",
  flags: {},
  async run({ connection }) {
    writeText(1, `${printableLine(currentContext(connection).name)}\n`);
  },
});
