import { defineCommand } from "../command.ts";
import { registryAuthFor } from "../credentials/credentials.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";
import { ellipsis } from "../output/truncate.ts";

const headers = {
  Name: "NAME",
  Description: "DESCRIPTION",
  StarCount: "STARS",
  IsOfficial: "OFFICIAL",
  IsAutomated: "AUTOMATED",
};

export const command = defineCommand({
  summary: "Search Docker Hub, or another registry, for images",
  synopsis: "[OPTIONS] TERM",
  operands: { min: 1, max: 1 },
  examples: [
    ["Official images with many stars", "berth search --filter is-official=true --filter stars=100 debian"],
    ["Another registry", "berth search registry.example:5000/shop"],
  ],
  flags: {
    filter: flag.list("Filter output based on conditions provided", {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: listFormatFlag,
    limit: flag.integer("Max number of search results"),
    "no-trunc": flag.boolean("Don't truncate output"),
  },
  async run({ client }, flags, [term = ""]) {
    const results = await client.images.search(term, {
      limit: flags.limit,
      filters: parseFilters(flags.filter),
      registryAuth: await registryAuthFor(term),
    });
    const described = (text: string) => {
      const line = text.replaceAll(/[\r\n]/g, " ");
      return flags["no-trunc"] ? line : ellipsis(line, 45);
    };
    printList({
      format: flags.format,
      quiet: false,
      defaultTable: "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
      quietTemplate: "{{.Name}}",
      headers,
      rows: results
        .toSorted((left, right) => right.star_count - left.star_count)
        .map((result) => ({
          Name: result.name,
          Description: described(result.description),
          StarCount: String(result.star_count),
          IsOfficial: result.is_official ? "[OK]" : "",
          IsAutomated: result.is_automated ? "[OK]" : "",
        })),
      subject: "*formatter.searchContext",
    });
  },
});
