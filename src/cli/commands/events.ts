import { formatRfc3339Fixed } from "#base";
import type { EventMessage } from "#formats";
import { compileTemplate, toJson } from "#templates";
import { defineCommand } from "../command.ts";
import { compileOrExit } from "../formatted-document.ts";
import { filterProblem, parseFilters } from "../flags/filters.ts";
import { flag } from "../flags/flag.ts";
import { documentFormatFlag } from "../flags/format-flag.ts";
import { parseTimestamp } from "../flags/timestamp.ts";
import { unescapeFormat } from "../output/list.ts";
import { printable, printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

/** From the text: a number of JavaScript has lost the last digits of nanoseconds. */
function nanosecondsOf(event: EventMessage, text: string): bigint {
  const exact = /"timeNano":(\d+)/.exec(text)?.[1];
  return exact === undefined ? BigInt(event.time) * 1_000_000_000n : BigInt(exact);
}

function plainLine(event: EventMessage, text: string): string {
  const nanoseconds = nanosecondsOf(event, text);
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
        : compileOrExit(() => {
            const prefix = "Error parsing format: ";
            const prefixes = { malformedPrefix: prefix, failedPrefix: prefix };
            return compileTemplate(unescapeFormat(flags.format), {
              escape: printable,
              missingKey: "none",
              ...prefixes,
            });
          });
    const run = (value: unknown) => compileOrExit(() => template?.(value) ?? toJson(value));
    const events = client.system.eventRecords({
      since: parseTimestamp(flags.since, ""),
      until: parseTimestamp(flags.until, ""),
      filters: parseFilters(flags.filter),
    });
    const show = flags.format === "" ? undefined : await describer();
    for await (const { event, text } of events) {
      const line = show === undefined ? plainLine(event, text) : run(show(event, text));
      writeText(1, `${line}\n`);
    }
  },
});

/** Makes Go's `*events.Message` of an event; its nanoseconds come from the text, where they are whole. */
async function describer(): Promise<(event: EventMessage, text: string) => unknown> {
  const { describe } = await import("../go-documents/describe.ts");
  return (event, text) => describe({ ...event, timeNano: nanosecondsOf(event, text) }, "*events.Message");
}
