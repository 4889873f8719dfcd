import { findBuild } from "../build/history.ts";
import { createView } from "../build/progress/view.ts";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { writeText } from "../output/write.ts";
import { requireBuilder } from "../build/builder-name.ts";

export const command = defineCommand({
  summary: "Print the logs of a build record",
  synopsis: "[OPTIONS] [REF]",
  aliases: ["builder history logs", "buildx history logs"],
  operands: { max: 1 },
  flags: {
    builder: flag.string("Override the configured builder instance", { hidden: true }),
    progress: flag.string('Set type of progress output ("plain", "rawjson", "tty")', { default: "plain" }),
  },
  async run({ client }, flags, [reference]) {
    requireBuilder(flags.builder);
    const kind = flags.progress;
    if (kind !== "plain" && kind !== "rawjson" && kind !== "tty") {
      throw cliErrors["bad-option"](`invalid progress type "${kind}": it is one of plain, rawjson, tty`);
    }
    const build = await findBuild(client, reference);
    const log = await client.solve.log(build.Ref);
    const view = await createView(kind, (text) => writeText(1, text));
    try {
      for await (const progress of log) view.take(progress);
    } finally {
      view.finish(build.Status === "error");
    }
  },
});
