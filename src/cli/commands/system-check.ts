import { humanSize, shortId } from "#base";
import type { StoreCheckReport } from "#client";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { showProgress } from "../output/progress.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

function describe(report: StoreCheckReport): string {
  const lines: string[] = [];
  const images = new Map<string, { names: readonly string[]; containers: readonly string[] }>();
  for (const { Kind, Id, Reason, Images } of report.Damage) {
    lines.push(`${Kind} ${shortId(Id)}: ${Reason}`);
    for (const image of Images) images.set(image.Id, { names: image.Names, containers: image.Containers });
  }
  for (const [id, { names, containers }] of images) {
    if (names.length === 0) lines.push(`image ${shortId(id)} has no name: remove it, or build or load it again`);
    for (const name of names) lines.push(`repair ${name}: berth pull ${name} (or build or load it again)`);
    if (containers.length > 0) lines.push(`  then restart: ${containers.join(" ")}`);
  }
  return `${lines.map(printable).join("\n")}\n`;
}

export const command = defineCommand({
  summary: "Read everything that is stored and say what is damaged",
  synopsis: "[OPTIONS]",
  examples: [
    ["Only the result, for scripts: the exit status is 1 when something is damaged", "berth system check --quiet"],
  ],
  flags: {
    format: flag.string("Format output: 'json' prints the report", { typeName: "string" }),
    quiet: flag.boolean("Only what is damaged", { short: "q" }),
  },
  async run({ client }, flags) {
    if (flags.format !== "" && flags.format !== "json") {
      throw cliErrors["bad-option"](`invalid format "${flags.format}": only json`);
    }
    let report: StoreCheckReport | undefined;
    await showProgress(client.system.check(), {
      descriptor: 2,
      quiet: flags.quiet || flags.format === "json",
      onAux: (aux) => (report = aux as StoreCheckReport),
    });
    if (report === undefined) throw cliErrors["stream-failed"]("the check broke off");
    if (flags.format === "json") writeText(1, `${JSON.stringify(report, undefined, 2)}\n`);
    else if (report.Damage.length > 0) writeText(1, describe(report));
    else if (!flags.quiet) {
      writeText(1, `${report.Layers} layers (${humanSize(report.LayerBytes)}) and ${report.Images} images are good\n`);
    }
    return report.Damage.length === 0 ? 0 : 1;
  },
});
