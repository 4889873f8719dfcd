import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { filterProblem } from "../flags/filters.ts";
import { pruneFilters } from "../flags/prune-filters.ts";
import { flag } from "../flags/flag.ts";
import { deletedImages } from "../output/deleted-images.ts";
import { deletedList, printReclaimed } from "../output/prune-report.ts";
import { confirm } from "../prompt.ts";

export const command = defineCommand({
  summary: "Remove unused data",
  synopsis: "[OPTIONS]",
  examples: [
    ["Everything that no container uses, volumes too, without asking", "berth system prune --all --volumes --force"],
  ],
  flags: {
    all: flag.boolean("Remove all unused images not just dangling ones", { short: "a" }),
    filter: flag.list('Provide filter values (e.g. "label=<key>=<value>")', {
      typeName: "filter",
      check: filterProblem,
    }),
    force: flag.boolean("Do not prompt for confirmation", { short: "f" }),
    volumes: flag.boolean("Prune anonymous volumes"),
  },
  async run({ client }, flags) {
    const filters = pruneFilters(flags.filter);
    if (flags.volumes && filters["until"] !== undefined) {
      throw cliErrors["bad-option"]('ERROR: The "until" filter is not supported with "--volumes"');
    }
    const what = [
      "all stopped containers",
      "all networks not used by at least one container",
      ...(flags.volumes ? ["all anonymous volumes not used by at least one container"] : []),
      flags.all ? "all images without at least one container associated to them" : "all dangling images",
      flags.all ? "all build cache" : "unused build cache",
    ];
    if (!flags.force && !(await confirm(`This will remove:\n${what.map((each) => `  - ${each}\n`).join("")}`))) return;
    const containers = await client.containers.prune(filters);
    const networks = await client.networks.prune(filters);
    const volumes = flags.volumes ? await client.volumes.prune(filters) : undefined;
    const images = await client.images.prune({ ...filters, dangling: [String(!flags.all)] });
    const cache = await client.build.prune({ all: flags.all, filters });
    printReclaimed(
      deletedList("Deleted Containers:", containers.ContainersDeleted) +
        deletedList("Deleted Networks:", networks.NetworksDeleted) +
        deletedList("Deleted Volumes:", volumes?.VolumesDeleted) +
        deletedList("Deleted Images:", deletedImages(images.ImagesDeleted)) +
        deletedList("Deleted build cache objects:", cache.CachesDeleted),
      [containers, volumes, images, cache].reduce((sum, report) => sum + (report?.SpaceReclaimed ?? 0), 0),
    );
  },
});
