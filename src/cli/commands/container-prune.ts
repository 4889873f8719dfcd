import { defineCommand } from "../command.ts";
import { filterProblem } from "../flags/filters.ts";
import { pruneFilters } from "../flags/prune-filters.ts";
import { flag } from "../flags/flag.ts";
import { deletedList, printReclaimed } from "../output/prune-report.ts";
import { confirm } from "../prompt.ts";

export const command = defineCommand({
  summary: "Remove all stopped containers",
  synopsis: "[OPTIONS]",
  examples: [["Those that ended more than a day ago", "berth container prune --filter until=24h"]],
  flags: {
    filter: flag.list('Provide filter values (e.g. "until=<timestamp>")', { typeName: "filter", check: filterProblem }),
    force: flag.boolean("Do not prompt for confirmation", { short: "f" }),
  },
  async run({ client }, flags) {
    if (!flags.force && !(await confirm("This will remove all stopped containers."))) return;
    const report = await client.containers.prune(pruneFilters(flags.filter));
    printReclaimed(deletedList("Deleted Containers:", report.ContainersDeleted), report.SpaceReclaimed);
  },
});
