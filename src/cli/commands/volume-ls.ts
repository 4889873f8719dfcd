import { humanSize } from "#base";
import { defineCommand } from "../command.ts";
import { readConfig } from "../configuration/config-file.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";
import { byNaturalOrder } from "../rows/natural-order.ts";

const headers = {
  Availability: "AVAILABILITY",
  Driver: "DRIVER",
  Group: "GROUP",
  Labels: "LABELS",
  Links: "LINKS",
  Mountpoint: "MOUNTPOINT",
  Name: "VOLUME NAME",
  Scope: "SCOPE",
  Size: "SIZE",
  Status: "STATUS",
};

export const command = defineCommand({
  summary: "List volumes",
  synopsis: "[OPTIONS]",
  aliases: ["volume ls", "volume list"],
  examples: [["Volumes no container uses", "berth volume ls --filter dangling=true"]],
  flags: {
    cluster: flag.boolean("Display only cluster volumes, and use cluster volume list formatting", { hidden: true }),
    filter: flag.list('Provide filter values (e.g. "dangling=true")', {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: listFormatFlag,
    quiet: flag.boolean("Only display volume names", { short: "q" }),
  },
  async run({ client }, flags) {
    const { Volumes } = await client.volumes.list({ filters: parseFilters(flags.filter) });
    if (flags.cluster) {
      // Volumes of a swarm: an engine of one machine has none.
      printList({
        format: flags.format,
        quiet: flags.quiet,
        defaultTable: "{{.Name}}\t{{.Group}}\t{{.Driver}}\t{{.Availability}}\t{{.Status}}",
        quietTemplate: "{{.Name}}",
        headers: { ...headers, Status: "STATUS" },
        rows: [],
        subject: "*formatter.volumeContext",
      });
      return;
    }
    printList({
      format: flags.format !== "" || flags.quiet ? flags.format : (readConfig().volumesFormat ?? ""),
      quiet: flags.quiet,
      defaultTable: "{{.Driver}}\t{{.Name}}",
      quietTemplate: "{{.Name}}",
      headers,
      rows: (Volumes ?? [])
        .sort((left, right) => byNaturalOrder(left.Name, right.Name))
        .map((volume) => {
          const labels = volume.Labels ?? {};
          const usage = volume.UsageData;
          return {
            Availability: "N/A",
            Driver: volume.Driver,
            Group: "N/A",
            Label: (name: unknown) => labels[String(name)] ?? "",
            Labels: Object.entries(labels)
              .map(([name, value]) => `${name}=${value}`)
              .join(","),
            Links: usage == null ? "N/A" : String(usage.RefCount),
            Mountpoint: volume.Mountpoint,
            Name: volume.Name,
            Scope: volume.Scope,
            Size: usage == null ? "N/A" : humanSize(usage.Size),
            Status: "N/A",
          };
        }),
      subject: "*formatter.volumeContext",
      rawTemplate: "name: {{.Name}}\ndriver: {{.Driver}}\n",
      rawQuietTemplate: "name: {{.Name}}",
    });
  },
});
