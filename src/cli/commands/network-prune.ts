import { defineCommand } from "../command.ts";
import { filterProblem } from "../flags/filters.ts";
import { pruneFilters } from "../flags/prune-filters.ts";
import { flag } from "../flags/flag.ts";
import { deletedList } from "../output/prune-report.ts";
import { writeText } from "../output/write.ts";
import { confirm } from "../prompt.ts";

export const command = defineCommand({
  summary: "Remove all unused networks",
  synopsis: "[OPTIONS]",
  flags: {
    filter: flag.list('Provide filter values (e.g. "until=<timestamp>")', { typeName: "filter", check: filterProblem }),
    force: flag.boolean("Do not prompt for confirmation", { short: "f" }),
  },
  async run({ client }, flags) {
    const warning = "This will remove all custom networks not used by at least one container.";
    if (!flags.force && !(await confirm(warning))) return;
    const report = await client.networks.prune(pruneFilters(flags.filter));
    const list = deletedList("Deleted Networks:", report.NetworksDeleted);
    if (list !== "") writeText(1, list);
  },
});
