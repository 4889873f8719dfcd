import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { tabulate } from "../output/tabulate.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "List builder instances",
  synopsis: "",
  aliases: ["buildx ls"],
  flags: { "no-trunc": flag.boolean("Don't truncate output", { hidden: true }) },
  async run({ client }) {
    const version = await client.system.version();
    const platform = `linux/${version.Arch ?? ""}`;
    writeText(
      1,
      tabulate(
        `NAME/NODE\tDRIVER/ENDPOINT\tSTATUS\tBUILDKIT\tPLATFORMS\ndefault*\tberth\t\t\t\n \\_ default\t \\_ default\trunning\t${version.Version}\t${platform}\n`,
      ),
    );
  },
});
