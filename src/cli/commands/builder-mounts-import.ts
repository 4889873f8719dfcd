import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { openSource } from "../streams/file-source.ts";
import { readStandardInput } from "../streams/standard-input.ts";

export const command = defineCommand({
  summary: "Put the contents of a tar archive in the place of a cache mount's",
  synopsis: "[OPTIONS] ID",
  aliases: ["builder mounts import", "buildx mounts import"],
  operands: { min: 1, max: 1 },
  examples: [["Begin with another machine's cache", "berth builder mounts import /root/.npm < npm.tar"]],
  flags: {
    input: flag.string("Read from a file, instead of STDIN", { short: "i" }),
  },
  run: async ({ client }, flags, [id = ""]) =>
    client.build.importMount(id, flags.input === "" ? readStandardInput() : openSource(flags.input)),
});
