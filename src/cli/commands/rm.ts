import { isErrorKind } from "#base";
import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Remove one or more containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container rm", "container remove", "rm"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "container",
  examples: [["Remove a running container and its anonymous volumes", "berth rm --force --volumes web"]],
  flags: {
    force: flag.boolean("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    link: flag.boolean("Remove the specified link", { short: "l" }),
    volumes: flag.boolean("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  run: ({ client }, flags, names) =>
    forEachName(
      names,
      async (given) => {
        const name = given.replace(/^\/+/, "");
        await client.containers.remove(name, { force: flags.force, link: flags.link, volumes: flags.volumes });
        return given;
      },
      // Whoever forces the removal of a container that is gone has what was wanted.
      { isIgnored: (error) => flags.force && isErrorKind(error, "not-found") },
    ),
});
