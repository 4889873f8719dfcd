import { humanDuration, humanSize } from "#base";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";

export const command = defineCommand({
  summary: "List the cache mounts of builds",
  synopsis: "[OPTIONS]",
  aliases: ["builder mounts ls", "buildx mounts ls"],
  flags: {
    format: listFormatFlag,
    quiet: flag.boolean("Only display ids", { short: "q" }),
  },
  async run({ client }, flags) {
    const mounts = await client.build.mounts();
    printList({
      format: flags.format,
      quiet: flags.quiet,
      defaultTable: "{{.Id}}\t{{.Size}}\t{{.InUse}}\t{{.LastUsed}}\t{{.Uses}}",
      quietTemplate: "{{.Id}}",
      headers: { Id: "ID", Size: "SIZE", InUse: "IN USE", LastUsed: "LAST USED", Uses: "USES" },
      rows: mounts.map((mount) => ({
        Id: mount.Id,
        Size: humanSize(mount.Size),
        InUse: String(mount.InUse),
        LastUsed: `${humanDuration(Date.now() - Date.parse(mount.LastUsedAt))} ago`,
        Uses: String(mount.UsageCount),
      })),
      subject: "*mounts.lsContext",
    });
  },
});
