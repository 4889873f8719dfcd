import { formatRfc3339Fixed } from "#base";
import type { EventMessage } from "#formats";
import { compileTemplate } from "#templates";
import { defineCommand } from "../command.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { documentFormatFlag } from "../flags/format-flag.ts";
import { parseTimestamp } from "../flags/timestamp.ts";
import { unescapeFormat } from "../output/list.ts";
import { printable, printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

function plainLine(event: EventMessage, text: string): string {
  // From the text: a number of JavaScript has lost the last digits of nanoseconds.
  const exact = /"timeNano":(\d+)/.exec(text)?.[1];
  const nanoseconds = exact === undefined ? BigInt(event.time) * 1_000_000_000n : BigInt(exact);
  const attributes = Object.keys(event.Actor.Attributes)
    .sort()
    .map((name) => `${name}=${event.Actor.Attributes[name]}`);
  const details = attributes.length === 0 ? "" : ` (${attributes.join(", ")})`;
  return printableLine(`${formatRfc3339Fixed(nanoseconds)} ${event.Type} ${event.Action} ${event.Actor.ID}${details}`);
}

export const command = defineCommand({
  summary: "Get real time events from the server",
  synopsis: "[OPTIONS]",
  aliases: ["system events", "events"],
  examples: [
    [
      "What happened to a container in the last hour, then what happens",
      "berth events --since 1h --filter container=web",
    ],
  ],
  flags: {
    filter: flag.list("Filter output based on conditions provided", {
      short: "f",
      typeName: "filter",
      check: filterProblem,
    }),
    format: documentFormatFlag,
    since: flag.string("Show all events created since timestamp"),
    until: flag.string("Stream events until this timestamp"),
  },
  async run({ client }, flags) {
    const template =
      flags.format === "" || flags.format === "json"
        ? undefined
        : compileTemplate(unescapeFormat(flags.format), { escape: printable });
    const events = client.system.eventRecords({
      since: parseTimestamp(flags.since, ""),
      until: parseTimestamp(flags.until, ""),
      filters: parseFilters(flags.filter),
    });
    for await (const { event, text } of events) {
      const line =
        template !== undefined ? template(event) : flags.format === "json" ? printable(text) : plainLine(event, text);
      writeText(1, `${line}\n`);
    }
  },
});
