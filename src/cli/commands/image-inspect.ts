import { defineCommand } from "../command.ts";
import { platformQuery } from "../container-options/platform.ts";
import { flag } from "../flags/flag.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { inspectAll } from "../inspect.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more images",
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "image",
  flags: {
    format: shortDocumentFormatFlag,
    platform: flag.string(
      "Inspect a specific platform of the multi-platform image.\nIf the image or the server is not multi-platform capable, the command will error out if the platform does not match.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
    ),
  },
  run({ client }, flags, names) {
    const platform = platformQuery(flags.platform, "");
    return inspectAll(names, flags.format, (name) => client.images.inspect(name, { platform }), {
      goType: "image.InspectResponse",
    });
  },
});
