import { isErrorKind } from "#base";
import { defineCommand } from "../command.ts";
import { parsePlatform } from "../container-options/platform.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Remove one or more images",
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  aliases: ["image rm", "image remove", "rmi"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "image",
  flags: {
    force: flag.boolean("Force removal of the image", { short: "f" }),
    "no-prune": flag.boolean("Do not delete untagged parents"),
    platform: flag.list(
      'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      { typeName: "strings" },
    ),
  },
  run: ({ client }, flags, names) => {
    const platforms = flags.platform.map((each) => JSON.stringify(parsePlatform(each)));
    return forEachName(
      names,
      async (name) => {
        const report = await client.images.remove(name, {
          force: flags.force,
          keepParents: flags["no-prune"],
          platforms,
        });
        return report
          .map((each) => ("Deleted" in each ? `Deleted: ${each.Deleted}` : `Untagged: ${each.Untagged}`))
          .join("\n");
      },
      { isIgnored: (error) => flags.force && isErrorKind(error, "not-found") },
    );
  },
});
