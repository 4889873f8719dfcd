import { cliErrors } from "../errors.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { findFirst, inspectAll } from "../inspect.ts";

export const command = defineCommand({
  summary: "Return low-level information on objects",
  synopsis: "[OPTIONS] NAME|ID [NAME|ID...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "container",
  examples: [["The address of a container", `berth inspect --format '{{.NetworkSettings.IPAddress}}' web`]],
  flags: {
    format: shortDocumentFormatFlag,
    size: flag.boolean("Display total file sizes if the type is container", { short: "s" }),
    type: flag.string("Only inspect objects of the given type"),
  },
  run({ client }, flags, names) {
    const ways: Record<string, (name: string) => Promise<unknown>> = {
      container: (name) => client.containers.inspect(name, { size: flags.size }),
      image: (name) => client.images.inspect(name),
      network: (name) => client.networks.inspect(name),
      volume: (name) => client.volumes.inspect(name),
    };
    if (flags.type !== "" && !Object.hasOwn(ways, flags.type)) {
      throw cliErrors["bad-option"](`"${flags.type}" is not a valid value for --type`);
    }
    const chosen = flags.type === "" ? Object.values(ways) : [ways[flags.type] as (name: string) => Promise<unknown>];
    const noun = flags.type === "" ? "object" : flags.type;
    return inspectAll(names, flags.format, (name) =>
      findFirst(name, chosen, () => cliErrors["bad-option"](`Error: No such ${noun}: ${name}`)),
    );
  },
});
