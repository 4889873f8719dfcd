import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { saveStream } from "../output/save-stream.ts";

export const command = defineCommand({
  summary: "Write what a cache mount of builds holds to a tar archive (streamed to STDOUT by default)",
  synopsis: "[OPTIONS] ID",
  aliases: ["builder mounts export", "buildx mounts export"],
  operands: { min: 1, max: 1 },
  examples: [["Keep npm's cache for the next machine", "berth builder mounts export /root/.npm > npm.tar"]],
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
  },
  run: async ({ client }, flags, [id = ""]) => saveStream(flags.output, () => client.build.exportMount(id)),
});
