import { humanDuration } from "#base";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";
import { buildDuration, buildStatus } from "../build/history.ts";
import { cliErrors } from "../errors.ts";
import { requireBuilder } from "../build/builder-name.ts";

const headers = {
  Ref: "BUILD ID",
  Name: "NAME",
  Status: "STATUS",
  CreatedAt: "CREATED AT",
  Duration: "DURATION",
};

export const command = defineCommand({
  summary: "List build records",
  synopsis: "[OPTIONS]",
  aliases: ["builder history ls", "buildx history ls"],
  flags: {
    builder: flag.string("Override the configured builder instance", { hidden: true }),
    filter: flag.list('Provide filter values (e.g. "status=error")', { typeName: "filter" }),
    format: listFormatFlag,
    local: flag.boolean("List records for current repository only", { hidden: true }),
    "no-trunc": flag.boolean("Do not truncate the output"),
    quiet: flag.boolean("Only display build IDs", { short: "q" }),
  },
  async run({ client }, flags) {
    requireBuilder(flags.builder);
    if (flags.local) {
      throw cliErrors["bad-option"]("--local is not supported: records do not say which repository they are of");
    }
    const filters = flags.filter.map((filter) => /^(status|ref|name)(=|!=)(.*)$/.exec(filter) ?? filter);
    for (const filter of filters) {
      if (typeof filter === "string") {
        throw cliErrors["bad-option"](`invalid filter ${JSON.stringify(filter)}: known are status, ref and name`);
      }
    }
    const builds = (await client.solve.list()).filter((build) =>
      filters.every((filter) => {
        if (typeof filter === "string") return true;
        const [, field, operator, wanted] = filter;
        const value = field === "status" ? build.Status : field === "ref" ? build.Ref : build.Name;
        return (value === wanted) === (operator === "=");
      }),
    );
    printList({
      format: flags.format,
      quiet: flags.quiet,
      defaultTable: "{{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}",
      quietTemplate: "{{.Ref}}",
      headers,
      rows: builds.map((build) => ({
        Ref: build.Ref,
        Name: build.Name,
        Status: buildStatus(build),
        CreatedAt: `${humanDuration(Date.now() - Date.parse(build.CreatedAt))} ago`,
        Duration: buildDuration(build),
        CompletedSteps: String(build.CompletedSteps),
        TotalSteps: String(build.TotalSteps),
        CachedSteps: String(build.CachedSteps),
      })),
      subject: "*history.lsContext",
    });
  },
});
