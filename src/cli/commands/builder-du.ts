import { humanDuration, humanSize } from "#base";
import { defineCommand } from "../command.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { printableLine } from "../output/printable.ts";
import { tabulate } from "../output/tabulate.ts";
import { writeText } from "../output/write.ts";
import { requireBuilder } from "../build/builder-name.ts";

export const command = defineCommand({
  summary: "Disk usage of the build cache",
  synopsis: "[OPTIONS]",
  aliases: ["builder du", "buildx du"],
  flags: {
    builder: flag.string("Override the configured builder instance", { hidden: true }),
    filter: flag.list('Provide filter values (e.g. "type=exec.cachemount")', {
      typeName: "filter",
      check: filterProblem,
    }),
    format: flag.string('Format the output: "json"'),
    verbose: flag.boolean("Shows a more verbose output"),
  },
  async run({ client }, flags) {
    requireBuilder(flags.builder);
    const filters = parseFilters(flags.filter) ?? {};
    const matches = (name: string, value: string) => {
      const wanted = filters[name];
      return wanted === undefined || wanted.includes(value);
    };
    for (const name of Object.keys(filters)) {
      if (name === "id" || name === "type" || name === "inuse" || name === "shared") continue;
      const { cliErrors } = await import("../errors.ts");
      throw cliErrors["bad-option"](`invalid filter ${name}: known are id, inuse, shared and type`);
    }
    const entries = ((await client.system.diskUsage()).BuildCache ?? []).filter(
      (entry) =>
        matches("id", entry.ID) &&
        matches("type", entry.Type) &&
        matches("inuse", String(entry.InUse)) &&
        matches("shared", String(entry.Shared)),
    );
    if (flags.format !== "") {
      if (flags.format !== "json") {
        const { cliErrors } = await import("../errors.ts");
        throw cliErrors["bad-option"](`invalid format ${JSON.stringify(flags.format)}: it is json`);
      }
      writeText(1, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      return;
    }
    const used = (time: string | null) => (time === null ? "" : `${humanDuration(Date.now() - Date.parse(time))} ago`);
    if (flags.verbose) {
      const text = entries.map((entry) =>
        tabulate(
          [
            `ID:\t${entry.ID}\n`,
            `Created at:\t${entry.CreatedAt}\n`,
            `Mutable:\tfalse\n`,
            `Reclaimable:\t${String(!entry.InUse)}\n`,
            `Shared:\t${String(entry.Shared)}\n`,
            `Size:\t${humanSize(entry.Size)}\n`,
            `Description:\t${printableLine(entry.Description)}\n`,
            `Usage count:\t${entry.UsageCount}\n`,
            `Last used:\t${used(entry.LastUsedAt)}\n`,
            `Type:\t${entry.Type}\n`,
          ].join(""),
        ),
      );
      writeText(1, `${text.join("\n")}\n`);
    } else {
      const rows = entries.map(
        (entry) => `${entry.ID}\t${String(!entry.InUse)}\t${humanSize(entry.Size)}\t${used(entry.LastUsedAt)}\n`,
      );
      writeText(1, tabulate(["ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\n", ...rows].join("")));
    }
    const sum = (of: typeof entries) => humanSize(of.reduce((total, { Size }) => total + Size, 0));
    writeText(
      1,
      tabulate(
        [
          `Shared:\t${sum(entries.filter(({ Shared }) => Shared))}\n`,
          `Private:\t${sum(entries.filter(({ Shared }) => !Shared))}\n`,
          `Reclaimable:\t${sum(entries.filter(({ InUse }) => !InUse))}\n`,
          `Total:\t${sum(entries)}\n`,
        ].join(""),
      ),
    );
  },
});
