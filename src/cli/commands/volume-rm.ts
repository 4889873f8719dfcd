import { isErrorKind } from "#base";
import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Remove one or more volumes",
  details: "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
  synopsis: "[OPTIONS] VOLUME [VOLUME...]",
  aliases: ["volume rm", "volume remove"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "volume",
  flags: {
    force: flag.boolean("Force the removal of one or more volumes", { short: "f" }),
  },
  run: ({ client }, flags, names) =>
    forEachName(
      names,
      async (name) => {
        await client.volumes.remove(name, { force: flags.force });
        return name;
      },
      { isIgnored: (error) => flags.force && isErrorKind(error, "not-found") },
    ),
});
