import { defineCommand } from "../command.ts";
import { filterProblem } from "../flags/filters.ts";
import { pruneFilters } from "../flags/prune-filters.ts";
import { flag } from "../flags/flag.ts";
import { deletedList, printReclaimed } from "../output/prune-report.ts";
import { confirm } from "../prompt.ts";

export const command = defineCommand({
  summary: "Remove unused local volumes",
  synopsis: "[OPTIONS]",
  flags: {
    all: flag.boolean("Remove all unused volumes, not just anonymous ones", { short: "a" }),
    filter: flag.list('Provide filter values (e.g. "label=<label>")', { typeName: "filter", check: filterProblem }),
    force: flag.boolean("Do not prompt for confirmation", { short: "f" }),
  },
  async run({ client }, flags) {
    const warning = flags.all
      ? "This will remove all local volumes not used by at least one container."
      : "This will remove anonymous local volumes not used by at least one container.";
    if (!flags.force && !(await confirm(warning))) return;
    const filters = pruneFilters(flags.filter);
    const report = await client.volumes.prune(flags.all ? { ...filters, all: ["true"] } : filters);
    printReclaimed(deletedList("Deleted Volumes:", report.VolumesDeleted), report.SpaceReclaimed);
  },
});
