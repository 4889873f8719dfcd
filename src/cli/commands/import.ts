import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { showProgress } from "../output/progress.ts";
import { openSource } from "../streams/file-source.ts";
import { readStandardInput } from "../streams/standard-input.ts";

export const command = defineCommand({
  summary: "Import the contents from a tarball to create a filesystem image",
  synopsis: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  aliases: ["image import", "import"],
  operands: { min: 1, max: 2 },
  completes: (index) => (index === 0 ? "file" : undefined),
  examples: [["An image from a root file system", "tar -C rootfs -c . | berth import - base:1.0"]],
  flags: {
    change: flag.list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: flag.string("Set commit message for imported image", { short: "m" }),
    platform: flag.string("Set platform if server is multi-platform capable"),
  },
  async run({ client }, flags, [source = "", reference]) {
    const body = source === "-" ? readStandardInput() : /^https?:\/\//.test(source) ? source : openSource(source);
    const records = client.images.importTar(body, {
      reference,
      message: flags.message,
      platform: flags.platform,
      changes: flags.change,
    });
    await showProgress(records, { descriptor: 1 });
  },
});
