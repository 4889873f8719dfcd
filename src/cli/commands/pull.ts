import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { printableLine } from "../output/printable.ts";
import { showProgress } from "../output/progress.ts";
import { writeText } from "../output/write.ts";
import { pullReference, splitReference } from "../references.ts";

export const command = defineCommand({
  summary: "Download an image from a registry",
  synopsis: "[OPTIONS] NAME[:TAG|@DIGEST]",
  aliases: ["image pull", "pull"],
  operands: { min: 1, max: 1 },
  completes: () => "image",
  flags: {
    "all-tags": flag.boolean("Download all tagged images in the repository", { short: "a" }),
    platform: flag.string("Set platform if server is multi-platform capable"),
    quiet: flag.boolean("Suppress verbose output", { short: "q" }),
  },
  async run({ client }, flags, [reference = ""]) {
    const given = splitReference(reference);
    if (given.tag === "" && !flags["all-tags"] && !flags.quiet) writeText(1, "Using default tag: latest\n");
    const target = flags["all-tags"] ? { repository: given.repository, tag: "" } : pullReference(reference);
    const records = client.images.pull(target, { platform: flags.platform });
    await showProgress(records, { descriptor: 1, quiet: flags.quiet });
    const separator = target.tag.startsWith("sha256:") ? "@" : ":";
    writeText(
      1,
      `${printableLine(target.tag === "" ? target.repository : target.repository + separator + target.tag)}\n`,
    );
  },
});
