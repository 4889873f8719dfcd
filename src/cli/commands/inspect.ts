import { cliErrors } from "../errors.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { findFirst, inspectAll } from "../inspect.ts";

const goTypes: Readonly<Record<string, string>> = {
  container: "container.InspectResponse",
  image: "image.InspectResponse",
  network: "network.Inspect",
  volume: "volume.Volume",
};

/** Which of Go's types a document is, by what only that one has. */
function goTypeOf(document: unknown): string {
  const has = (name: string) => typeof document === "object" && document !== null && name in document;
  if (has("HostConfig")) return "container.InspectResponse";
  if (has("RootFS")) return "image.InspectResponse";
  return has("IPAM") ? "network.Inspect" : has("Mountpoint") ? "volume.Volume" : "any";
}

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
      throw cliErrors["bad-option"](
        `unknown type: "${flags.type}": must be one of "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"`,
      );
    }
    const only = ways[flags.type];
    if (only !== undefined) return inspectAll(names, flags.format, only, { goType: goTypes[flags.type] ?? "any" });
    return inspectAll(
      names,
      flags.format,
      (name) => findFirst(name, Object.values(ways), () => cliErrors["bad-option"](`Error: No such object: ${name}`)),
      { goType: goTypeOf },
    );
  },
});
