import { defineCommand } from "../command.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

/** Like docker, `top` pads its columns to 20 and not to 10. */
const columnWidth = 20;

export const command = defineCommand({
  summary: "Display the running processes of a container",
  synopsis: "CONTAINER [ps OPTIONS]",
  aliases: ["container top", "top"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  stopAtOperand: true,
  completes: (index) => (index === 0 ? "running-container" : undefined),
  examples: [["Show the processes with their use of memory", "berth top web -o pid,rss,args"]],
  flags: {},
  async run({ client }, _flags, [name = "", ...psArguments]) {
    const { Titles, Processes } = await client.containers.top(name, psArguments.join(" "));
    const lines = [Titles, ...Processes].map((cells) => cells.map(printableLine));
    const widths = Titles.map((_, column) =>
      Math.max(columnWidth, ...lines.map((cells) => (cells[column]?.length ?? 0) + 3)),
    );
    for (const cells of lines) {
      const padded = cells.map((cell, column) => (column < cells.length - 1 ? cell.padEnd(widths[column] ?? 0) : cell));
      writeText(1, `${padded.join("")}\n`);
    }
  },
});
