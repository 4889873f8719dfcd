import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { tabulate } from "../output/tabulate.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Inspect current builder instance",
  synopsis: "[NAME]",
  aliases: ["buildx inspect"],
  operands: { max: 1 },
  flags: { bootstrap: flag.boolean("Ensure builder has booted before inspecting", { hidden: true }) },
  async run({ client }, _flags, [name = "default"]) {
    if (name !== "default") {
      throw cliErrors["bad-option"](`no builder "${name}" found: the one there is is called "default"`);
    }
    const version = await client.system.version();
    writeText(
      1,
      tabulate(
        [
          "Name:\tdefault\n",
          "Driver:\tberth\n",
          "\n",
          "Nodes:\n",
          "Name:\tdefault\n",
          `Endpoint:\t${client.transport.endpoint.address}\n`,
          "Status:\trunning\n",
          `BuildKit version:\t${version.Version}\n`,
          `Platforms:\tlinux/${version.Arch ?? ""}\n`,
        ].join(""),
      ),
    );
  },
});
