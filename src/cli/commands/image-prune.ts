import { defineCommand } from "../command.ts";
import { filterProblem } from "../flags/filters.ts";
import { pruneFilters } from "../flags/prune-filters.ts";
import { flag } from "../flags/flag.ts";
import { deletedImages } from "../output/deleted-images.ts";
import { deletedList, printReclaimed } from "../output/prune-report.ts";
import { confirm } from "../prompt.ts";

export const command = defineCommand({
  summary: "Remove unused images",
  synopsis: "[OPTIONS]",
  flags: {
    all: flag.boolean("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: flag.list('Provide filter values (e.g. "until=<timestamp>")', { typeName: "filter", check: filterProblem }),
    force: flag.boolean("Do not prompt for confirmation", { short: "f" }),
  },
  async run({ client }, flags) {
    const warning = flags.all
      ? "This will remove all images without at least one container associated to them."
      : "This will remove all dangling images.";
    if (!flags.force && !(await confirm(warning))) return;
    const report = await client.images.prune({ ...pruneFilters(flags.filter), dangling: [String(!flags.all)] });
    printReclaimed(deletedList("Deleted Images:", deletedImages(report.ImagesDeleted)), report.SpaceReclaimed);
  },
});
