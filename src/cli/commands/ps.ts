import { defineCommand } from "../command.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { containerHeaders, containerRow } from "../rows/container-row.ts";
import { printList } from "../output/list.ts";

export const command = defineCommand({
  summary: "List containers",
  synopsis: "[OPTIONS]",
  aliases: ["container ls", "container list", "container ps", "ps"],
  completes: () => undefined,
  examples: [
    ["All containers, also those that have ended", "berth ps --all"],
    [
      "Names and ports of the containers of an application",
      `berth ps --filter label=app=shop --format '{{.Names}} {{.Ports}}'`,
    ],
  ],
  flags: {
    all: flag.boolean("Show all containers (default shows just running)", { short: "a" }),
    filter: flag.list("Filter output based on conditions provided", {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: listFormatFlag,
    last: flag.integer("Show n last created containers (includes all states)", { short: "n", shownDefault: "-1" }),
    latest: flag.boolean("Show the latest created container (includes all states)", { short: "l" }),
    "no-trunc": flag.boolean("Don't truncate output"),
    quiet: flag.boolean("Only display container IDs", { short: "q" }),
    size: flag.boolean("Display total file sizes", { short: "s" }),
  },
  async run({ client }, flags) {
    const limit = flags.latest ? 1 : flags.last;
    const wantsSize = flags.size || /\.Size\b|\{\{\s*json \.\s*\}\}/.test(flags.format);
    const containers = await client.containers.list({
      all: flags.all,
      limit: limit !== undefined && limit > 0 ? limit : undefined,
      size: wantsSize,
      filters: parseFilters(flags.filter),
    });
    const truncate = !flags["no-trunc"];
    printList({
      format: flags.format,
      quiet: flags.quiet,
      defaultTable: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${flags.size ? "\t{{.Size}}" : ""}`,
      quietTemplate: "{{.ID}}",
      headers: containerHeaders,
      rows: containers.map((container) => containerRow(container, truncate)),
      subject: "*formatter.ContainerContext",
      malformedPrefix: "failed to parse template: ",
      failedPrefix: "failed to execute template: ",
    });
  },
});
