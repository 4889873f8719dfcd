import { canonicalName, type ImageReference, parseReference, ReferenceFormatError, withDefaultTag } from "#formats";
import { defineCommand } from "../command.ts";
import { registryAuthFor } from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { printableLine } from "../output/printable.ts";
import { showProgress } from "../output/progress.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Download an image from a registry",
  synopsis: "[OPTIONS] NAME[:TAG|@DIGEST]",
  aliases: ["image pull", "pull"],
  operands: { min: 1, max: 1 },
  completes: () => "image",
  flags: {
    "all-tags": flag.boolean("Download all tagged images in the repository", { short: "a" }),
    "disable-content-trust": flag.boolean("Skip image verification", { default: true }),
    platform: flag.string("Set platform if server is multi-platform capable"),
    quiet: flag.boolean("Suppress verbose output", { short: "q" }),
  },
  async run({ client }, flags, [name = ""]) {
    if (!flags["disable-content-trust"]) throw cliErrors["content-trust"]();
    let reference: ImageReference;
    try {
      reference = parseReference(name);
    } catch (error) {
      if (error instanceof ReferenceFormatError) throw cliErrors["bad-option"](error.message);
      throw error;
    }
    const isNameOnly = reference.tag === undefined && reference.digest === undefined;
    if (flags["all-tags"] && !isNameOnly) throw cliErrors["bad-option"]("tag can't be used with --all-tags/-a");
    if (!flags["all-tags"] && isNameOnly) {
      reference = withDefaultTag(reference);
      if (!flags.quiet) writeText(1, `Using default tag: ${reference.tag ?? "latest"}\n`);
    }
    const target = { repository: reference.repository, tag: reference.digest ?? reference.tag ?? "" };
    const records = client.images.pull(target, {
      platform: flags.platform,
      registryAuth: await registryAuthFor(name),
    });
    await showProgress(records, { descriptor: 1, quiet: flags.quiet });
    writeText(1, `${printableLine(canonicalName(reference))}\n`);
  },
});
