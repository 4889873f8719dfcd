import { canonicalName, parseReference, ReferenceFormatError, withDefaultTag } from "#formats";
import { defineCommand } from "../command.ts";
import { registryAuthFor } from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { showProgress } from "../output/progress.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Upload an image to a registry",
  synopsis: "[OPTIONS] NAME[:TAG]",
  aliases: ["image push", "push"],
  operands: { min: 1, max: 1 },
  completes: () => "image",
  examples: [["Upload every tag", "berth push --all-tags registry.example/shop"]],
  flags: {
    "all-tags": flag.boolean("Push all tags of an image to the repository", { short: "a" }),
    compression: flag.string("How layers are packed that the registry does not have: gzip or zstd", {
      check: (value) => (value === "gzip" || value === "zstd" ? undefined : "expected gzip or zstd"),
    }),
    "disable-content-trust": flag.boolean("Skip image signing", { default: true }),
    platform: flag.string("Push only when the image is for this platform ('os[/arch[/variant]]')"),
    quiet: flag.boolean("Suppress verbose output", { short: "q" }),
  },
  async run({ client }, flags, [name = ""]) {
    if (!flags["disable-content-trust"]) throw cliErrors["content-trust"]();
    let reference: ReturnType<typeof parseReference>;
    try {
      reference = parseReference(name);
    } catch (error) {
      if (error instanceof ReferenceFormatError) throw cliErrors["bad-option"](error.message);
      throw error;
    }
    if (reference.digest !== undefined) throw cliErrors["bad-option"]("cannot push a digest reference");
    const isOne = reference.tag !== undefined;
    if (flags["all-tags"] && isOne) throw cliErrors["bad-option"]("tag can't be used with --all-tags/-a");
    if (!flags["all-tags"] && !isOne) {
      reference = withDefaultTag(reference);
      if (!flags.quiet) writeText(1, `Using default tag: ${reference.tag ?? "latest"}\n`);
    }
    const records = client.images.push(
      { repository: reference.repository, tag: reference.tag ?? "" },
      {
        registryAuth: await registryAuthFor(name),
        compression: flags.compression,
        platform: flags.platform,
      },
    );
    await showProgress(records, { descriptor: 1, quiet: flags.quiet });
    if (flags.quiet) writeText(1, `${canonicalName(reference)}\n`);
  },
});
