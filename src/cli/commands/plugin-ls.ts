import { defineCommand } from "../command.ts";
import { readConfig } from "../configuration/config-file.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";
import { ellipsis } from "../output/truncate.ts";
import { byNaturalOrder } from "../rows/natural-order.ts";

type Plugin = {
  readonly Id?: string;
  readonly Name: string;
  readonly Enabled: boolean;
  readonly PluginReference?: string;
  readonly Config?: { readonly Description?: string };
};

const descriptionLimit = 45;

export const command = defineCommand({
  summary: "List plugins",
  synopsis: "[OPTIONS]",
  aliases: ["plugin ls", "plugin list"],
  flags: {
    filter: flag.list('Provide filter values (e.g. "enabled=true")', {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: listFormatFlag,
    "no-trunc": flag.boolean("Don't truncate output"),
    quiet: flag.boolean("Only display plugin IDs", { short: "q" }),
  },
  async run({ client }, flags) {
    const { encodeFilters } = await import("#client");
    const query = { filters: encodeFilters(parseFilters(flags.filter)) };
    const plugins = await (await client.transport.request("GET", "/plugins", { query })).json<Plugin[] | null>();
    printList({
      format: flags.format !== "" || flags.quiet ? flags.format : (readConfig().pluginsFormat ?? ""),
      quiet: flags.quiet,
      defaultTable: "{{.ID}}\t{{.Name}}\t{{.Description}}\t{{.Enabled}}",
      quietTemplate: "{{.ID}}",
      headers: { ID: "ID", Name: "NAME", Description: "DESCRIPTION", Enabled: "ENABLED", PluginReference: "IMAGE" },
      rows: (plugins ?? [])
        .sort((left, right) => byNaturalOrder(left.Name, right.Name))
        .map(({ Id = "", Name, Enabled, PluginReference = "", Config }) => {
          const description = (Config?.Description ?? "").replaceAll(/[\n\r]/g, " ");
          return {
            Description: flags["no-trunc"] ? description : ellipsis(description, descriptionLimit),
            Enabled,
            ID: flags["no-trunc"] ? Id : Id.slice(0, 12),
            Name,
            PluginReference,
          };
        }),
      subject: "*plugin.pluginContext",
      rawTemplate: "plugin_id: {{.ID}}\nname: {{.Name}}\ndescription: {{.Description}}\nenabled: {{.Enabled}}\n",
      rawQuietTemplate: "plugin_id: {{.ID}}",
    });
  },
});
