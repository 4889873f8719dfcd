import { shortId } from "#base";
import { defineCommand } from "../command.ts";
import { readConfig } from "../configuration/config-file.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";
import { goTimestamp } from "../rows/go-time.ts";
import { byNaturalOrder } from "../rows/natural-order.ts";

const headers = {
  CreatedAt: "CREATED AT",
  Driver: "DRIVER",
  ID: "NETWORK ID",
  IPv4: "IPV4",
  IPv6: "IPV6",
  Internal: "INTERNAL",
  Labels: "LABELS",
  Name: "NAME",
  Scope: "SCOPE",
};

export const command = defineCommand({
  summary: "List networks",
  synopsis: "[OPTIONS]",
  aliases: ["network ls", "network list"],
  examples: [["Networks of the bridge driver", "berth network ls --filter driver=bridge"]],
  flags: {
    filter: flag.list('Provide filter values (e.g. "driver=bridge")', {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: listFormatFlag,
    "no-trunc": flag.boolean("Do not truncate the output"),
    quiet: flag.boolean("Only display network IDs", { short: "q" }),
  },
  async run({ client }, flags) {
    const networks = await client.networks.list({ filters: parseFilters(flags.filter) });
    printList({
      format: flags.format !== "" || flags.quiet ? flags.format : (readConfig().networksFormat ?? ""),
      quiet: flags.quiet,
      defaultTable: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
      quietTemplate: "{{.ID}}",
      headers,
      rows: networks
        .sort((left, right) => byNaturalOrder(left.Name, right.Name))
        .map((network) => {
          const labels = network.Labels ?? {};
          return {
            CreatedAt: goTimestamp(network.Created),
            Driver: network.Driver,
            ID: flags["no-trunc"] ? network.Id : shortId(network.Id),
            IPv4: String(network.EnableIPv4 ?? false),
            IPv6: String(network.EnableIPv6),
            Internal: String(network.Internal),
            Label: (name: unknown) => labels[String(name)] ?? "",
            Labels: Object.entries(labels)
              .map(([name, value]) => `${name}=${value}`)
              .join(","),
            Name: network.Name,
            Scope: network.Scope,
          };
        }),
      subject: "*network.networkContext",
      rawTemplate: "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
      rawQuietTemplate: "network_id: {{.ID}}",
    });
  },
});
