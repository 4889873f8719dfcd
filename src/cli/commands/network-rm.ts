import { isErrorKind } from "#base";
import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Remove one or more networks",
  synopsis: "NETWORK [NETWORK...]",
  aliases: ["network rm", "network remove"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "network",
  flags: {
    force: flag.boolean("Do not error if the network does not exist", { short: "f" }),
  },
  run: ({ client }, flags, names) =>
    forEachName(
      names,
      async (name) => {
        await client.networks.remove(name);
        return name;
      },
      { isIgnored: (error) => flags.force && isErrorKind(error, "not-found") },
    ),
});
