import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { saveStream } from "../output/save-stream.ts";

export const command = defineCommand({
  summary: "Export a container's filesystem as a tar archive",
  synopsis: "[OPTIONS] CONTAINER",
  aliases: ["container export", "export"],
  operands: { min: 1, max: 1 },
  completes: () => "container",
  examples: [["Write a container's files to a tar archive", "berth export --output web.tar web"]],
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
  },
  run: async ({ client }, flags, [name = ""]) => saveStream(flags.output, () => client.containers.exportTar(name)),
});
