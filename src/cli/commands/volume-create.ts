import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { parseMap } from "../container-options/key-values.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Create a volume",
  synopsis: "[OPTIONS] [VOLUME]",
  operands: { max: 1 },
  examples: [
    ["A volume in memory", "berth volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=100m scratch"],
  ],
  flags: {
    driver: flag.string("Specify volume driver name", { short: "d", default: "local" }),
    label: flag.list("Set metadata for a volume"),
    name: flag.string("Specify volume name", { hidden: true }),
    opt: flag.list("Set driver specific options", { short: "o", typeName: "map", shownDefault: "map[]" }),
  },
  async run({ client }, flags, [name = flags.name]) {
    const volume = await client.volumes.create({
      Driver: flags.driver,
      DriverOpts: parseMap(flags.opt),
      Labels: parseMap(flags.label),
      Name: name,
    });
    writeText(1, `${printableLine(volume.Name)}\n`);
  },
});
