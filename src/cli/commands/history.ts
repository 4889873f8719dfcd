import { humanDuration, humanSize, shortId } from "#base";
import { defineCommand } from "../command.ts";
import { platformQuery } from "../container-options/platform.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList } from "../output/list.ts";
import { ellipsis } from "../output/truncate.ts";

const headers = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
};

export const command = defineCommand({
  summary: "Show the history of an image",
  synopsis: "[OPTIONS] IMAGE",
  aliases: ["image history", "history"],
  operands: { min: 1, max: 1 },
  completes: () => "image",
  examples: [["The instructions that made an image, in full", "berth history --no-trunc shop:1.0"]],
  flags: {
    format: listFormatFlag,
    human: flag.boolean("Print sizes and dates in human readable format", { short: "H", default: true }),
    "no-trunc": flag.boolean("Don't truncate output"),
    platform: flag.string(
      'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
    quiet: flag.boolean("Only show image IDs", { short: "q" }),
  },
  async run({ client }, flags, [name = ""]) {
    const truncate = !flags["no-trunc"];
    const records = await client.images.history(name, { platform: platformQuery(flags.platform) });
    printList({
      format: flags.format,
      quiet: flags.quiet,
      defaultTable: "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
      quietTemplate: "{{.ID}}",
      headers: flags.human ? headers : { ...headers, CreatedSince: "CREATED AT" },
      rows: records.map((record) => {
        const createdAt = new Date(record.Created * 1000).toISOString().replace(".000Z", "Z");
        const createdBy = record.CreatedBy.replaceAll("\t", " ");
        return {
          Comment: record.Comment,
          CreatedAt: createdAt,
          CreatedBy: truncate ? ellipsis(createdBy, 45) : createdBy,
          // A reproducible image has no time.
          CreatedSince:
            record.Created <= 0
              ? "N/A"
              : flags.human
                ? `${humanDuration(Date.now() - record.Created * 1000)} ago`
                : createdAt,
          ID: truncate ? shortId(record.Id) : record.Id,
          Size: flags.human ? humanSize(record.Size) : String(record.Size),
        };
      }),
      subject: "*image.historyContext",
    });
  },
});
