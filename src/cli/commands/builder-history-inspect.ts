import { buildDuration, buildStatus, findBuild } from "../build/history.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { printable, printableLine } from "../output/printable.ts";
import { tabulate } from "../output/tabulate.ts";
import { writeText } from "../output/write.ts";
import { requireBuilder } from "../build/builder-name.ts";

export const command = defineCommand({
  summary: "Inspect a build record",
  synopsis: "[OPTIONS] [REF]",
  aliases: ["builder history inspect", "buildx history inspect"],
  operands: { max: 1 },
  flags: {
    builder: flag.string("Override the configured builder instance", { hidden: true }),
    format: flag.string('Format the output: "pretty" or "json"', { default: "pretty" }),
  },
  async run({ client }, flags, [reference]) {
    requireBuilder(flags.builder);
    const build = await findBuild(client, reference);
    if (flags.format === "json") {
      writeText(1, `${JSON.stringify(build, undefined, 2)}\n`);
      return;
    }
    if (flags.format !== "pretty") {
      const { cliErrors } = await import("../errors.ts");
      throw cliErrors["bad-option"](`invalid format ${JSON.stringify(flags.format)}: it is one of pretty and json`);
    }
    const rows: (readonly [string, string])[] = [["Ref", build.Ref]];
    const add = (name: string, value: string | undefined) => {
      if (value !== undefined && value !== "") rows.push([name, value]);
    };
    add("Name", build.Name);
    add("Context", build.Attributes["context"] ?? build.Attributes["vcs:localdir:context"]);
    add("Dockerfile", build.Attributes["filename"]);
    add("Target", build.Attributes["target"]);
    add("Platforms", build.Attributes["platform"]);
    add("Tags", build.Tags.join(", "));
    add("Status", buildStatus(build));
    add("Started", build.CreatedAt.replace("T", " ").replace(/\.\d+Z$/, ""));
    add("Duration", buildDuration(build));
    const share = build.TotalSteps === 0 ? 0 : Math.round((build.CachedSteps / build.TotalSteps) * 100);
    add("Build Steps", `${build.CompletedSteps}/${build.TotalSteps} (${share}% cached)`);
    if (build.Warnings > 0) add("Warnings", String(build.Warnings));
    add("Image", build.ImageID);
    add("Outputs", build.Outputs.map(({ Type }) => Type).join(", "));
    const named = (prefix: string) => Object.entries(build.Attributes).filter(([name]) => name.startsWith(prefix));
    let text = tabulate(rows.map(([name, value]) => `${name}:\t${printableLine(value)}\n`).join(""));
    const section = (title: string, prefix: string) => {
      const entries = named(prefix);
      if (entries.length === 0) return;
      text += `\n${tabulate([`${title}\tVALUE\n`, ...entries.map(([name, value]) => `${printableLine(name.slice(prefix.length))}\t${printableLine(value)}\n`)].join(""))}`;
    };
    section("BUILD ARG", "build-arg:");
    section("LABEL", "label:");
    section("NAMED CONTEXT", "context:");
    if (build.Error !== undefined) {
      text += `\nError:\n${build.Excerpt === undefined ? "" : `${printable(build.Excerpt).trimEnd()}\n`}${printable(build.Error)}\n`;
    }
    writeText(1, `${text}\nPrint build logs: berth builder history logs ${build.Ref}\n`);
  },
});
