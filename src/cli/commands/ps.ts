import { compileTemplate } from "#templates";
import { defineCommand } from "../command.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { containerHeaders, containerRow } from "../rows/container-row.ts";
import type { ContainerSummary } from "#formats";
import { readConfig } from "../configuration/config-file.ts";
import { printList, rowValue } from "../output/list.ts";
import { writeText } from "../output/write.ts";

const subject = "*formatter.ContainerContext";
const rawTemplate =
  "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n";

const noContainer: ContainerSummary = {
  Id: "",
  Names: [],
  Image: "",
  ImageID: "",
  Command: "",
  Created: 0,
  Ports: [],
  Labels: {},
  State: "created",
  Status: "",
  HostConfig: { NetworkMode: "" },
  NetworkSettings: { Networks: {} },
  Mounts: [],
};

/**
 * docker runs the template once on no container at all before it asks the daemon: what fails there fails the command,
 * and what looks at the size has it measured. `--format json` alone does not.
 */
function needsSize(format: string): boolean {
  if (format === "" || format === "table" || format === "json") return false;
  const template = compileTemplate(format, {
    malformedPrefix: "failed to parse template: ",
    failedPrefix: "failed to execute template: ",
  });
  let isAsked = false;
  const row = containerRow(noContainer, true);
  const watched = Object.defineProperty({ ...row }, "Size", {
    enumerable: true,
    get() {
      isAsked = true;
      return "";
    },
  });
  template(rowValue(watched, subject));
  return isAsked;
}

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
    const given = flags.format === "" ? (readConfig().psFormat ?? "") : flags.format;
    if (flags.quiet && flags.format !== "") {
      writeText(2, "WARNING: Ignoring custom format, because both --format and --quiet are set.\n");
    }
    const format = flags.quiet ? "" : given;
    const wantsSize = flags.size || needsSize(given);
    const containers = await client.containers.list({
      all: flags.all,
      limit: limit !== undefined && limit > 0 ? limit : undefined,
      size: wantsSize,
      filters: parseFilters(flags.filter),
    });
    const truncate = !flags["no-trunc"];
    printList({
      format,
      quiet: flags.quiet,
      defaultTable: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${flags.size ? "\t{{.Size}}" : ""}`,
      quietTemplate: "{{.ID}}",
      headers: containerHeaders,
      rows: containers.map((container) => containerRow(container, truncate)),
      subject,
      rawTemplate: `${rawTemplate}${flags.size ? "size: {{.Size}}\n" : ""}`,
      rawQuietTemplate: "container_id: {{.ID}}",
    });
  },
});
