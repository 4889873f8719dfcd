import { defineCommand } from "../command.ts";
import { platformQuery } from "../container-options/platform.ts";
import { flag } from "../flags/flag.ts";
import { saveStream } from "../output/save-stream.ts";

export const command = defineCommand({
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  aliases: ["image save", "save"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "image",
  examples: [
    ["Write an image to a file", "berth save --output shop.tar shop:1.0"],
    ["Compress it on the way", "berth save shop:1.0 | gzip > shop.tar.gz"],
  ],
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
    platform: flag.string(
      'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
  },
  run: async ({ client }, flags, names) =>
    saveStream(flags.output, () => client.images.save(names, { platform: platformQuery(flags.platform) })),
});
