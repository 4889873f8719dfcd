import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { writeText } from "../output/write.ts";
import { splitReference } from "../references.ts";

export const command = defineCommand({
  summary: "Create a new image from a container's changes",
  synopsis: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  aliases: ["container commit", "commit"],
  operands: { min: 1, max: 2 },
  completes: (index) => (index === 0 ? "container" : "image"),
  examples: [
    ["Keep a container's changes, with another command", `berth commit --change 'CMD ["serve"]' web shop:fixed`],
  ],
  flags: {
    author: flag.string('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', { short: "a" }),
    change: flag.list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: flag.string("Commit message", { short: "m" }),
    pause: flag.boolean("Pause container during commit", { short: "p", default: true }),
  },
  async run({ client }, flags, [container = "", reference = ""]) {
    const { repository, tag } = splitReference(reference);
    const { Id } = await client.containers.commit({
      container,
      repository,
      tag,
      author: flags.author,
      comment: flags.message,
      changes: flags.change,
      pause: flags.pause,
    });
    writeText(1, `${Id}\n`);
  },
});
