import { defineCommand } from "../command.ts";
import { platformQuery } from "../container-options/platform.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { showProgress } from "../output/progress.ts";
import { openSource } from "../streams/file-source.ts";
import { readStandardInput } from "../streams/standard-input.ts";
import { isTerminal } from "../terminal/terminal.ts";

export const command = defineCommand({
  summary: "Load an image from a tar archive or STDIN",
  synopsis: "[OPTIONS]",
  aliases: ["image load", "load"],
  examples: [["Load an image somebody saved", "berth load --input shop.tar"]],
  flags: {
    input: flag.string("Read from tar archive file, instead of STDIN", { short: "i" }),
    platform: flag.string(
      'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
    quiet: flag.boolean("Suppress the load output", { short: "q" }),
  },
  async run({ client }, flags) {
    const platform = platformQuery(flags.platform);
    if (flags.input === "" && isTerminal(0)) {
      throw cliErrors["bad-option"]("requested load from stdin, but stdin is empty");
    }
    const source = flags.input === "" ? readStandardInput() : openSource(flags.input);
    await showProgress(client.images.load(source, { quiet: flags.quiet, platform }), { descriptor: 1 });
  },
});
