import { defineCommand } from "../command.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { deletedList, printReclaimed } from "../output/prune-report.ts";
import { confirm } from "../prompt.ts";

export const command = defineCommand({
  summary: "Remove build cache",
  synopsis: "",
  flags: {
    all: flag.boolean("Remove all unused build cache, not just dangling ones", { short: "a" }),
    filter: flag.list('Provide filter values (e.g. "until=24h")', { typeName: "filter", check: filterProblem }),
    force: flag.boolean("Do not prompt for confirmation", { short: "f" }),
    "keep-storage": flag.bytes("Amount of disk space to keep for cache"),
  },
  async run({ client }, flags) {
    const warning = flags.all ? "This will remove all build cache." : "This will remove all dangling build cache.";
    if (!flags.force && !(await confirm(warning))) return;
    const report = await client.build.prune({
      all: flags.all,
      keepBytes: flags["keep-storage"],
      filters: parseFilters(flags.filter),
    });
    printReclaimed(deletedList("Deleted build cache objects:", report.CachesDeleted), report.SpaceReclaimed);
  },
});
