import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { parseTimestamp } from "../flags/timestamp.ts";
import { writeBytes } from "../output/write.ts";

export const command = defineCommand({
  summary: "Fetch the logs of a container",
  synopsis: "[OPTIONS] CONTAINER",
  aliases: ["container logs", "logs"],
  operands: { min: 1, max: 1 },
  completes: () => "container",
  examples: [
    ["The last hundred lines, and what follows", "berth logs --follow --tail 100 web"],
    ["What was written in the last ten minutes, with its time", "berth logs --since 10m --timestamps web"],
  ],
  flags: {
    details: flag.boolean("Show extra details provided to logs"),
    follow: flag.boolean("Follow log output", { short: "f" }),
    since: flag.string(
      'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    tail: flag.string("Number of lines to show from the end of the logs", { short: "n", default: "all" }),
    timestamps: flag.boolean("Show timestamps", { short: "t" }),
    until: flag.string(
      'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
  },
  async run({ client }, flags, [name = ""]) {
    const container = await client.containers.inspect(name);
    const frames = client.containers.logs(container.Id, container.Config.Tty === true, {
      details: flags.details,
      follow: flags.follow,
      since: parseTimestamp(flags.since, "since"),
      until: parseTimestamp(flags.until, "until"),
      stdout: true,
      stderr: true,
      tail: flags.tail,
      timestamps: flags.timestamps,
    });
    for await (const { stream, data } of frames) {
      if (stream === "system") throw cliErrors["stream-failed"](new TextDecoder().decode(data));
      await writeBytes(stream === "stderr" ? 2 : 1, data);
    }
  },
});
