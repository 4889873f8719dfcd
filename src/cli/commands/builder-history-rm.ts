import { findBuild } from "../build/history.ts";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";
import { requireBuilder } from "../build/builder-name.ts";

export const command = defineCommand({
  summary: "Remove build records",
  synopsis: "[OPTIONS] [REF...]",
  aliases: ["builder history rm", "buildx history rm"],
  operands: { max: Number.POSITIVE_INFINITY },
  flags: {
    all: flag.boolean("Remove all build records"),
    builder: flag.string("Override the configured builder instance", { hidden: true }),
  },
  async run({ client }, flags, references) {
    requireBuilder(flags.builder);
    if (flags.all === references.length > 0) {
      throw cliErrors["bad-option"](
        flags.all ? "rm requires either --all or build records, not both" : "rm requires at least one build record",
      );
    }
    const wanted = flags.all
      ? (await client.solve.list()).filter(({ Status }) => Status !== "running").map(({ Ref }) => Ref)
      : references;
    return forEachName(wanted, async (reference) => {
      const { Ref } = await findBuild(client, reference);
      await client.solve.remove(Ref);
      return Ref;
    });
  },
});
