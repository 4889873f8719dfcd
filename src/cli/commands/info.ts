import { humanBinarySize } from "#base";
import type { InfoResponse } from "#formats";
import { compileTemplate, toJson } from "#templates";
import { defineCommand } from "../command.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { unescapeFormat } from "../output/list.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { berthVersion } from "../version.ts";

type Line = string | false | undefined;

/** `name: value`, or nothing when there is no value. */
function pair(name: string, value: string | number | boolean | undefined | null, indent = 1): Line {
  return value === undefined || value === null || value === ""
    ? false
    : `${" ".repeat(indent)}${name}: ${String(value)}`;
}

function securityOption(text: string): string[] {
  const [first = "", ...rest] = text.split(",");
  const name = first.replace(/^name=/, "");
  return [
    `  ${name}`,
    ...rest.map((each) => `   ${each.replace(/^(\w)/, (letter) => letter.toUpperCase()).replace("=", ": ")}`),
  ];
}

function serverLines(info: InfoResponse): Line[] {
  const plugins = info.Plugins;
  return [
    "Server:",
    pair("Containers", info.Containers),
    pair("Running", info.ContainersRunning, 2),
    pair("Paused", info.ContainersPaused, 2),
    pair("Stopped", info.ContainersStopped, 2),
    pair("Images", info.Images),
    pair("Server Version", info.ServerVersion),
    pair("Storage Driver", info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => pair(name, value, 2)),
    pair("Logging Driver", info.LoggingDriver),
    pair("Cgroup Driver", info.CgroupDriver),
    pair("Cgroup Version", info.CgroupVersion),
    " Plugins:",
    pair("Volume", plugins.Volume?.join(" "), 2),
    pair("Network", plugins.Network?.join(" "), 2),
    pair("Log", plugins.Log?.join(" "), 2),
    pair(
      "Runtimes",
      Object.keys(info.Runtimes ?? {})
        .sort()
        .join(" "),
    ),
    pair("Default Runtime", info.DefaultRuntime),
    pair("Init Binary", info.InitBinary),
    (info.SecurityOptions ?? []).length > 0 && " Security Options:",
    ...(info.SecurityOptions ?? []).flatMap(securityOption),
    pair("Kernel Version", info.KernelVersion),
    pair("Operating System", info.OperatingSystem),
    pair("OSType", info.OSType),
    pair("Architecture", info.Architecture),
    pair("CPUs", info.NCPU),
    pair("Total Memory", humanBinarySize(info.MemTotal)),
    pair("Name", info.Name),
    pair("ID", info.ID),
    pair("Docker Root Dir", info.DockerRootDir),
    pair("Debug Mode", info.Debug),
    pair("Experimental", info.ExperimentalBuild),
    pair("Live Restore Enabled", info.LiveRestoreEnabled),
  ];
}

export const command = defineCommand({
  summary: "Display system-wide information",
  synopsis: "[OPTIONS]",
  aliases: ["system info", "info"],
  examples: [["Which runtime starts the containers", "berth info --format '{{.DefaultRuntime}}'"]],
  flags: {
    format: shortDocumentFormatFlag,
  },
  async run({ client }, flags) {
    const info = await client.system.info();
    if (flags.format === "json") writeText(1, `${toJson(info)}\n`);
    else if (flags.format !== "") {
      writeText(1, `${compileTemplate(unescapeFormat(flags.format), { escape: printable })(info)}\n`);
    } else {
      const lines = [
        "Client:",
        ` Version:    ${berthVersion}`,
        ` Host:       ${client.transport.endpoint.address}`,
        "",
        ...serverLines(info),
      ];
      writeText(
        1,
        `${lines
          .filter((line) => typeof line === "string")
          .map(printable)
          .join("\n")}\n`,
      );
      for (const warning of info.Warnings ?? []) writeText(2, `${printable(warning)}\n`);
    }
  },
});
