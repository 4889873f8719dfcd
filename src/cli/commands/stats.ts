import { shortId } from "#base";
import type { Client } from "#client";
import type { StatsResponse } from "#formats";
import { readConfig } from "../configuration/config-file.ts";
import { defineCommand } from "../command.ts";
import { printFailure } from "../failure.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { renderList } from "../output/list.ts";
import { writeText } from "../output/write.ts";
import { statsHeaders, statsRow } from "../rows/stats-row.ts";
import { isTerminal } from "../terminal/terminal.ts";

type Format = { readonly format: string; readonly truncate: boolean };

function render(samples: ReadonlyMap<string, StatsResponse | undefined>, { format, truncate }: Format) {
  return renderList({
    format,
    defaultTable: `{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}`,
    quietTemplate: "",
    headers: statsHeaders,
    rows: [...samples].map(([name, stats]) => statsRow(name, stats, truncate)),
    subject: "*container.statsContext",
  });
}

/** Follows containers as they come and go; draws the table twice a second until interrupted. */
async function follow(client: Client, names: readonly string[], all: boolean, format: Format): Promise<number> {
  const samples = new Map<string, StatsResponse | undefined>();
  const watch = async (name: string) => {
    if (samples.has(name)) return;
    samples.set(name, undefined);
    try {
      for await (const sample of client.containers.stats(name)) samples.set(name, sample);
    } finally {
      samples.delete(name);
    }
  };
  const live = isTerminal(1);
  if (live) writeText(1, "\u001b[2J");
  const timer = setInterval(() => {
    const text = render(samples, format);
    // Each line is overwritten and the rest cleared after it: no flicker.
    writeText(1, live ? `\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J` : text);
  }, 500);
  try {
    if (names.length > 0) {
      const results = await Promise.allSettled(names.map(watch));
      const failures = results.filter((result) => result.status === "rejected");
      for (const { reason } of failures) printFailure(reason);
      return failures.length === 0 ? 0 : 1;
    }
    const started = (id: string) => void watch(id).catch(() => {});
    const opened = Promise.withResolvers<void>();
    const events = client.system.events({
      filters: { type: ["container"], event: all ? ["create", "start"] : ["start"] },
      onOpen: opened.resolve,
    });
    // Listening begins before the list is read: what starts in between is not missed.
    let next = events.next();
    await Promise.race([opened.promise, next]);
    for (const { Id } of await client.containers.list({ all })) started(shortId(Id));
    for (let event = await next; event.done !== true; event = await next) {
      started(shortId(event.value.Actor.ID));
      next = events.next();
    }
    return 0;
  } finally {
    clearInterval(timer);
  }
}

export const command = defineCommand({
  summary: "Display a live stream of container(s) resource usage statistics",
  synopsis: "[OPTIONS] [CONTAINER...]",
  aliases: ["container stats", "stats"],
  operands: { max: Number.POSITIVE_INFINITY },
  completes: () => "running-container",
  examples: [["One reading of every running container", "berth stats --no-stream"]],
  flags: {
    all: flag.boolean("Show all containers (default shows just running)", { short: "a" }),
    format: listFormatFlag,
    "no-stream": flag.boolean("Disable streaming stats and only pull the first result"),
    "no-trunc": flag.boolean("Do not truncate output"),
  },
  async run({ client }, flags, names) {
    const format = { format: flags.format || (readConfig().statsFormat ?? ""), truncate: !flags["no-trunc"] };
    if (!flags["no-stream"]) return follow(client, names, flags.all, format);
    const wanted =
      names.length > 0 ? names : (await client.containers.list({ all: flags.all })).map(({ Id }) => shortId(Id));
    const results = await Promise.allSettled(wanted.map((name) => client.containers.statsOnce(name)));
    const samples = new Map<string, StatsResponse | undefined>();
    let status = 0;
    results.forEach((result, index) => {
      if (result.status === "fulfilled") samples.set(wanted[index] ?? "", result.value);
      else if (names.length > 0) {
        printFailure(result.reason);
        status = 1;
      }
    });
    if (status === 0) writeText(1, render(samples, format));
    return status;
  },
});
