import { defineCommand } from "../command.ts";
import { writeText } from "../output/write.ts";
import { berthVersion } from "../version.ts";

export const command = defineCommand({
  summary: "Show which program answers to buildx's words",
  synopsis: "",
  aliases: ["buildx version"],
  flags: {},
  async run() {
    writeText(1, `berth ${berthVersion}\n`);
  },
});
